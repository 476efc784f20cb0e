import BSON

/// Finds out what the strings of legacy rows were before JSON.stringify. Add all rows first; then
/// ``resolve(configuration:liveTypes:infer:databaseCollections:shownName:idsInFile:existsInDatabase:)`` decides.
///
/// Use one per thread and combine them with ``merge(_:)``. Keeps 16 bytes for each distinct id at each path; above
/// ``maximumIDs`` only a sample.
public struct LegacyInference: Sendable {
    /// The maximum number of ids kept in all, at 16 bytes each.
    public let maximumIDs: Int
    private var collections: [ExactName: CollectionSurvey] = [:]
    private var bytesSinceCheck = 0

    /// Whether to skip what is below paths with very many names, to leave room for the other paths.
    private let passesOverCrowds: Bool

    /// More different names than this at one path are data, not field names.
    private static let maximumNames = 1000
    /// Includes the names that were met before a path turned out to have too many.
    private static let maximumPaths = 60_000

    /// The default of ``maximumIDs``: 16 MB, and as much again while arrays grow.
    public static let usualMaximum = 1_000_000

    public init(maximumIDs: Int = Self.usualMaximum) { self.init(maximumIDs: maximumIDs, passesOverCrowds: false) }

    private init(maximumIDs: Int, passesOverCrowds: Bool) {
        self.maximumIDs = maximumIDs
        self.passesOverCrowds = passesOverCrowds
    }

    /// For a second look at ``crowdedCollections``: infers nothing below a path with more than 1,000 different names.
    ///
    /// The result depends on the order of the rows, so one thread must add them all.
    public static var ofCrowds: LegacyInference { LegacyInference(maximumIDs: usualMaximum, passesOverCrowds: true) }

    /// Adds one row.
    /// - Throws: `BSONError` where the document is damaged.
    public mutating func add(_ document: RawDocument, in collection: String) throws {
        let makeSurvey = makeSurvey
        try collections[ExactName(collection), default: makeSurvey()].add(document)
        note(document.bytes.count)
    }

    /// Adds the `_id` of a row that is not a legacy row, but that legacy rows may refer to.
    public mutating func add(id: RawElement, in collection: String) {
        let makeSurvey = makeSurvey
        collections[ExactName(collection), default: makeSurvey()].add(id: id)
        note(0)
    }

    private var makeSurvey: () -> CollectionSurvey {
        guard passesOverCrowds else { return { CollectionSurvey() } }
        return {
            CollectionSurvey(walker: PathWalker(maximumPaths: Self.maximumPaths, maximumNames: Self.maximumNames))
        }
    }

    /// The bytes of rows after which the number of ids is checked: an id takes 31 bytes in a row and 16 here. A row
    /// counts as at least `fewestBytes`.
    private static let checkedBytes = 16 << 20
    private static let fewestBytes = 1024

    private mutating func note(_ bytes: Int) {
        bytesSinceCheck += max(Self.fewestBytes, bytes)
        if bytesSinceCheck >= Self.checkedBytes { shrink() }
    }

    /// Adds what another thread has seen.
    public mutating func merge(_ other: LegacyInference) {
        for (name, survey) in other.collections {
            collections[name, default: CollectionSurvey()].merge(survey)
        }
        shrink()
    }

    /// Makes a witness for the rows of Extended JSON in the same file.
    public var dateWitness: DateWitness { DateWitness(collections) }

    /// Adds what these rows have shown. No row may have been added since ``dateWitness``.
    public mutating func note(_ witness: DateWitness) {
        for name in Array(collections.keys) { collections[name]?.noteElsewhere(witness.others(in: name)) }
    }

    /// The collections with more different paths than are kept. If several threads have looked, it is chance which
    /// paths were kept, but not that there are too many.
    public var crowdedCollections: [String] {
        collections.filter(\.value.walker.isFull).map(\.key).sorted().map(\.text)
    }

    /// Replaces what is known of some collections by what a second look has seen.
    public mutating func replace(_ names: [String], by other: LegacyInference) {
        for name in names.map(ExactName.init) { collections[name] = other.collections[name] }
        shrink()
    }

    /// The collections seen, in name order, with their numbers of rows.
    public var rows: [(collection: String, rows: Int)] {
        collections.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value.rows) }
    }

    /// Makes an observer for the live documents of a collection, which looks at the paths that the rows have. Of a
    /// collection without rows, only the `_id`s matter, to which references may lead.
    public func liveObserver(of collection: String) -> TypeObserver {
        (collections[ExactName(collection)] ?? CollectionSurvey()).liveObserver
    }

    /// The `_id`s of 24 hexadecimal digits, or a sample of very many, by collection.
    public var textIDs: [(collection: String, ids: [ObjectID])] {
        collections.sorted { $0.key < $1.key }.compactMap { name, survey in
            guard let keys = survey.keys, keys.hexStrings > 0 else { return nil }
            var ids = keys.ids
            ids.compact()
            return (name.text, Array(ids.sorted))
        }
    }

    /// Paths at which strings look like ids, or all values like dates, in the order of collections and paths.
    public var lookAlikes: [(collection: String, path: FieldPath, ids: Int, dates: Int)] {
        collections.sorted { $0.key < $1.key }.flatMap { name, survey in
            survey.named.compactMap { path, number in
                let seen = survey.paths[number]
                let dates = seen.dateStrings == seen.values ? seen.dateStrings : 0
                return seen.hexStrings + dates == 0 ? nil : (name.text, path, seen.hexStrings, dates)
            }
        }
    }

    /// Keeps memory within bounds by thinning out the paths with the most ids. All of about the same size are thinned
    /// out together: there may be tens of thousands.
    private mutating func shrink() {
        bytesSinceCheck = 0
        while collections.values.reduce(0, { $0 + $1.storedIDs }) > maximumIDs {
            let most = collections.values.reduce(0) { max($0, $1.mostIDs) }
            for name in Array(collections.keys) { collections[name]?.raiseLevels(ofPathsAbove: most / 2) }
        }
    }

    /// Decides what each path's values become, and which references the rows show.
    ///
    /// In order of authority: the configuration's `types`, its `references`, `_id`, the types of the live collection,
    /// inference. For references and `_id`s without 24 digits, the live types and inference decide, too.
    /// - Parameters:
    ///   - liveTypes: the types in the database's documents, by the collections' names in the file.
    ///   - liveDetails: what else is known of these documents, by the same names.
    ///   - liveTextIDs: the collections of which the database has some of these `_id`s as strings, by their names in the
    ///     file.
    ///   - infer: if false, only the configuration and `_id` decide.
    ///   - databaseCollections: the database's collections, by their names there.
    ///   - shownName: returns a database collection's name in the file; nil where another collection has that name.
    ///   - idsInFile: returns the indexes of those ids that are `_id`s of that collection in the file, at most 1,000 at
    ///     a time. Called for paths with few values if the collection has too many ids to keep them all; without it a
    ///     sample is compared.
    ///   - existsInDatabase: returns those ids that are `_id`s of that collection in the database. Called for ids that
    ///     the file does not have, at most 10,000 at a time.
    /// - Throws: what `existsInDatabase` throws.
    public consuming func resolve(
        configuration: Configuration, liveTypes: [String: [FieldPath: ObservedType]] = [:],
        liveDetails: [String: LiveDetails] = [:], liveTextIDs: Set<String> = [], infer: Bool = true,
        databaseCollections: [String] = [], shownName: @escaping (String) -> String? = { $0 },
        idsInFile: ((_ collection: String, _ ids: [ObjectID]) -> [Int])? = nil,
        existsInDatabase: (_ collection: String, _ ids: [ObjectID]) throws -> Set<ObjectID> = { _, _ in [] }
    ) throws -> LegacyResolution {
        for name in Array(collections.keys) { collections[name]?.compact() }
        let resolver = LegacyResolver(
            collections: collections, configuration: configuration, liveTypes: liveTypes,
            liveDetails: liveDetails, liveTextIDs: liveTextIDs, infers: infer, databaseCollections: databaseCollections,
            shownName: shownName,
            idsInFile: idsInFile)
        return try resolver.resolve(existsInDatabase)
    }
}
