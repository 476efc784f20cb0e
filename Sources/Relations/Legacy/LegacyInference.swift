import BSON

/// Finds out what the strings of legacy rows were before JSON.stringify: first all rows are added, then
/// ``resolve(configuration:liveTypes:infer:databaseCollections:shownName:idsInFile:existsInDatabase:)`` decides.
///
/// One a thread; ``merge(_:)`` brings them together. Keeps 16 bytes for each distinct id at each path, and of more
/// than ``maximumIDs`` a sample.
public struct LegacyInference: Sendable {
    /// Ids kept in all, at 16 bytes each.
    public let maximumIDs: Int
    private var collections: [ExactName: CollectionSurvey] = [:]
    private var bytesSinceCheck = 0

    /// Whether paths with very many names are passed over, so that there is room for the others.
    private let passesOverCrowds: Bool

    /// So many different names at one path are data.
    private static let maximumNames = 1000
    /// With those that were met before they were too many.
    private static let maximumPaths = 60_000

    public init(maximumIDs: Int = 4_000_000) { self.init(maximumIDs: maximumIDs, passesOverCrowds: false) }

    private init(maximumIDs: Int, passesOverCrowds: Bool) {
        self.maximumIDs = maximumIDs
        self.passesOverCrowds = passesOverCrowds
    }

    /// For a second look at ``crowdedCollections``: nothing is inferred below a path with more than 1,000 different names.
    ///
    /// What it finds depends on the order of the rows, so one thread has to add them all.
    public static var ofCrowds: LegacyInference { LegacyInference(maximumIDs: 4_000_000, passesOverCrowds: true) }

    /// Looks at one row more.
    /// - Throws: `BSONError` where the document is damaged.
    public mutating func add(_ document: RawDocument, in collection: String) throws {
        let makeSurvey = makeSurvey
        try collections[ExactName(collection), default: makeSurvey()].add(document)
        note(document.bytes.count)
    }

    /// Looks at the `_id` of a row that is not one of the old application's, but that such rows may refer to.
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

    /// Bytes of rows after which it is time to look how many ids they had: an id takes 31 there, and 16 here. A row counts
    /// for a thousand at least.
    private static let checkedBytes = 16 << 20
    private static let fewestBytes = 1024

    private mutating func note(_ bytes: Int) {
        bytesSinceCheck += max(Self.fewestBytes, bytes)
        if bytesSinceCheck >= Self.checkedBytes { shrink() }
    }

    /// Takes in what another thread has seen.
    public mutating func merge(_ other: LegacyInference) {
        for (name, survey) in other.collections {
            collections[name, default: CollectionSurvey()].merge(survey)
        }
        shrink()
    }

    /// Collections that have more different paths than were taken in: which of them is chance, where several threads have
    /// looked. That there are more is not.
    public var crowdedCollections: [String] {
        collections.filter(\.value.walker.isFull).map(\.key).sorted().map(\.text)
    }

    /// Takes in what a second look at some collections has seen, instead of what was known of them.
    public mutating func replace(_ names: [String], by other: LegacyInference) {
        for name in names.map(ExactName.init) { collections[name] = other.collections[name] }
        shrink()
    }

    /// The collections seen, in name order, with their rows.
    public var rows: [(collection: String, rows: Int)] {
        collections.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value.rows) }
    }

    /// Keeps the memory within bounds by thinning out what is largest.
    private mutating func shrink() {
        bytesSinceCheck = 0
        while collections.values.reduce(0, { $0 + $1.storedIDs }) > maximumIDs {
            let largest = collections.compactMap { name, survey in survey.largest.map { (name: name, path: $0) } }
                .max { ($0.path.count, $1.name) < ($1.path.count, $0.name) }
            guard let largest else { return }
            collections[largest.name]?.raiseLevel(ofPath: largest.path.number)
        }
    }

    /// Decides what each path's values become, and which references the rows show.
    ///
    /// By authority: the configuration's `types`, its `references`, `_id`, the types of the live collection, inference. Of
    /// references and `_id`s without 24 digits the live types and inference decide, too.
    /// - Parameters:
    ///   - liveTypes: what the documents in the database hold, by the collections' names in the file.
    ///   - infer: false leaves only the configuration and `_id`.
    ///   - databaseCollections: the database's collections, by their names there.
    ///   - shownName: what the file calls one of them; nil where another has that name there.
    ///   - idsInFile: the places of those ids that are `_id`s in that collection of the file, at most 1,000 at a time. Asked
    ///     for the few values of a path where the collection's own are too many to be kept; nil goes by a sample then.
    ///   - existsInDatabase: which of these ids are `_id`s in that collection of the database. Asked for ids that the
    ///     file itself does not have, at most 10,000 at a time.
    /// - Throws: what `existsInDatabase` throws.
    public consuming func resolve(
        configuration: Configuration, liveTypes: [String: [FieldPath: ObservedType]] = [:], infer: Bool = true,
        databaseCollections: [String] = [], shownName: @escaping (String) -> String? = { $0 },
        idsInFile: ((_ collection: String, _ ids: [ObjectID]) -> [Int])? = nil,
        existsInDatabase: (_ collection: String, _ ids: [ObjectID]) throws -> Set<ObjectID> = { _, _ in [] }
    ) throws -> LegacyResolution {
        for name in Array(collections.keys) { collections[name]?.compact() }
        let resolver = LegacyResolver(
            collections: collections, configuration: configuration, liveTypes: liveTypes, infers: infer,
            databaseCollections: databaseCollections, shownName: shownName, idsInFile: idsInFile)
        return try resolver.resolve(existsInDatabase)
    }
}
