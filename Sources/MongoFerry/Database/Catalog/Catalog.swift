import BSON
import BackupFile
import MongoDriver
import Relations

/// The collections of a database that are taken, and those that are left out.
struct Catalog {
    var entries: [BackupMetadata.Collection] = []
    /// By the database's names, in their order.
    var leftOut: [(name: String, reason: ReasonToLeaveOut)] = []
    /// Collections that the user chose to leave out: those that are taken may still refer to them.
    private(set) var unwanted: [BackupMetadata.Collection] = []

    /// Indexes that the server was still building when it listed them, with their collections' names in the file.
    private(set) var indexesUnderWay: [(collection: String, index: String)] = []

    /// Whether the user's choice leaves out everything that could have been taken.
    var isLeftOutWhole: Bool { entries.isEmpty && leftOut.contains(where: \.reason.isChosen) }

    var excluded: [BackupMetadata.Exclusion] { leftOut.map { .init(name: $0.name, reason: $0.reason.text) } }

    /// For a reproducible file, see ``ReasonToLeaveOut/reproducibleText``.
    var reproducibleExclusions: [BackupMetadata.Exclusion] {
        leftOut.compactMap { name, reason in reason.reproducibleText.map { .init(name: name, reason: $0) } }
    }

    /// Collects the names and options of everything in the database that is not excluded.
    /// - Parameters:
    ///   - found: everything in the database.
    ///   - only: names or globs, of the file or the database; empty for all.
    ///   - exclude: names or globs.
    /// - Throws: ``FerryError`` if a name in `only` matches nothing that is taken, if a name is not UTF-8, or if two
    ///   names are the same in the file or look the same.
    init(
        _ database: String, _ found: [CollectionInfo], configuration: Configuration, only: [Glob] = [],
        exclude: [Glob] = []
    ) throws {
        let series = Set(found.filter { $0.kind == .timeseries }.map(\.name))
        for info in found.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            if let name = ServerNames.series(ofBuckets: info.name), !series.contains(name) {
                let text = "buckets of '\(name)', which is no time series: their measurements are not in the file"
                leftOut.append((info.name, .notSupported(text)))
                continue
            }
            if let reason = Self.reasonToLeaveOut(info, configuration, only: only, exclude: exclude) {
                leftOut.append((info.name, reason))
                if info.kind == .collection, info.hasExactName, reason.isChosen {
                    unwanted.append(.init(name: configuration.fileName(of: info.name), databaseName: info.name))
                }
                continue
            }
            guard info.hasExactName else {
                throw FerryError(
                    "the name of a collection of \(database), \(BackupMetadata.shown(info.name)), is not UTF-8, and cannot be addressed",
                    advice: ["Rename it with the tool that made it, or leave it out: --exclude '\(info.name)'."])
            }
            guard let kind = BackupMetadata.Collection.Kind(info.kind) else {
                leftOut.append(
                    (info.name, .notSupported("a '\(info.kind.text)', which this program does not know")))
                continue
            }
            entries.append(
                .init(
                    name: configuration.fileName(of: info.name), databaseName: info.name, kind: kind,
                    options: info.options))
        }
        try Self.checkAllMatch(only, exclude, database, found, configuration)
        let clashes = configuration.clashes(among: entries.map(\.databaseName))
        if let clash = clashes.first {
            throw FerryError(
                "\(clash.databaseNames.map(BackupMetadata.shown).joined(separator: " and ")) would both be called '\(clash.name.oneLine)' in the file",
                advice: [
                    "Give one of them another name in \(configuration.file ?? "the configuration"), or exclude it."
                ])
        }
        try Self.checkLookAlikes(entries.map(\.name))
        try Self.checkLookAlikes(entries.map(\.databaseName))
    }

    /// Why a collection is left out; nil if it is taken.
    private static func reasonToLeaveOut(
        _ info: CollectionInfo, _ configuration: Configuration, only: [Glob], exclude: [Glob]
    ) -> ReasonToLeaveOut? {
        if let reason = ReasonToLeaveOut(ofNoFile: info) { return reason }
        let names = bothNames(of: info, configuration)
        if !only.isEmpty, !only.contains(where: { names.contains(where: $0.matches) }) { return .notAskedFor }
        if let glob = exclude.first(where: { names.contains(where: $0.matches) }) { return .option(glob) }
        return configuration.exclusion(ofDatabaseName: info.name).map { .configured($0, file: configuration.file) }
    }

    /// The names in the file and in the database.
    private static func bothNames(of info: CollectionInfo, _ configuration: Configuration) -> [String] {
        [configuration.fileName(of: info.name), info.name]
    }

    /// - Throws: ``FerryError`` if something in `only` does not exist or is not exported.
    private static func checkAllMatch(
        _ only: [Glob], _ exclude: [Glob], _ database: String, _ found: [CollectionInfo],
        _ configuration: Configuration
    ) throws {
        let others = found.filter { ReasonToLeaveOut(ofNoFile: $0) == nil }
        let names = others.flatMap { bothNames(of: $0, configuration) }
        for glob in only where names.contains(where: glob.matches) {
            let reasons = others.filter { bothNames(of: $0, configuration).contains(where: glob.matches) }
                .map { reasonToLeaveOut($0, configuration, only: only, exclude: exclude) }
            if let reason = reasons.ofAll { throw FileChoice.contradiction(glob, reason) }
        }
        guard let glob = only.first(where: { !names.contains(where: $0.matches) }) else { return }
        if let own = found.first(where: { glob.matches($0.name) }), let reason = ReasonToLeaveOut(ofNoFile: own) {
            throw FerryError("'\(own.name.oneLine)' is not exported: \(reason.text)", kind: .usage)
        }
        throw FerryError(
            "there is no collection '\(glob)' in \(database)", kind: .usage,
            advice: NearestName.nearest(to: glob.pattern, among: others.map(\.name)).map {
                ["Did you mean '\($0.oneLine)'?"]
            }
                ?? [])
    }

    /// Refuses names that look the same: servers distinguish names by their bytes, people and Swift's strings by their
    /// appearance, and `é` can be one character or two. Confusing two collections would be worse than refusing them.
    private static func checkLookAlikes(_ names: [String]) throws {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw FerryError(
                "two collections have names that look the same, '\(name.oneLine)': one with composed, one with decomposed characters",
                details: [FerryError.nothingWritten], advice: ["Rename one of them."])
        }
    }

    /// - Throws: ``FerryError`` if the database has nothing that a file could contain.
    func requireSomething(of connection: Connection) throws {
        guard entries.isEmpty, !isLeftOutWhole else { return }
        let missing = MissingDatabase(connection)
        guard !excluded.isEmpty else {
            throw FerryError(missing.text, details: missing.details, advice: missing.hint.map { [$0] } ?? [])
        }
        let names = excluded.prefix(Self.namesShown).map { "\(BackupMetadata.shown($0.name)): \($0.reason)".oneLine }
        let more = excluded.count - names.count
        throw FerryError(
            "there are no collections in '\(connection.database)' but such as are never exported",
            details: names + (more > 0 ? ["and \(more.grouped) more"] : []) + missing.details,
            advice: ["--db names another database."])
    }

    private static let namesShown = 5

    /// Reads the indexes and the size of every collection but views, in one round of questions.
    ///
    /// - Parameter sortsIndexes: whether to sort indexes by name, so that equal data give equal files, whichever index
    ///   was created first; otherwise they keep the server's order.
    /// - Throws: ``MongoError``.
    mutating func readIndexesAndSizes(_ connection: Connection, sortsIndexes: Bool) throws -> CollectionSizes {
        let places = entries.indices.filter { entries[$0].kind != .view }
        let asked = places.map { entries[$0] }
        let questions = places.indices.flatMap { [(place: $0, isSize: false), (place: $0, isSize: true)] }
        let answers = try connection.answers(for: questions, atOnce: 2) { client, question in
            let entry = asked[question.place]
            return question.isSize
                ? Answer.size(try client.size(of: entry, in: connection.database))
                : try client.indexes(of: entry, in: connection.database)
        }
        var sizes: [(String, SizeAnswer)] = []
        indexesUnderWay = []
        for (question, answer) in zip(questions, answers) {
            let place = places[question.place]
            switch answer {
            case .size(let size): sizes.append((entries[place].databaseName, size))
            case .indexes(let built, let building):
                let indexes = built + building
                indexesUnderWay += building.map { (entries[place].name, $0["name"]?.string ?? "") }
                entries[place].indexes =
                    sortsIndexes
                    ? indexes.sorted { CollectionDifferences.name(of: $0) < CollectionDifferences.name(of: $1) }
                    : indexes
            }
        }
        let result = CollectionSizes(sizes)
        // These are nearly always the counts that the cursors find, and then the header need not be written twice.
        for place in places { entries[place].records = result[entries[place].databaseName]?.count ?? 0 }
        return result
    }

    fileprivate enum Answer: Sendable {
        case indexes(built: [Document], building: [Document])
        case size(SizeAnswer)
    }
}

extension Client {
    /// - Throws: ``MongoError``.
    fileprivate func indexes(of entry: BackupMetadata.Collection, in database: String) throws -> Catalog.Answer {
        let namespace = Namespace(database, entry.databaseName)
        // The collection was listed, so a server that does not know it is asked again. If it is gone, an export notices
        // in the end.
        guard entry.kind != .timeseries else {
            // If asked for index builds in progress, servers up to 7.0 omit the indexes of a time series.
            return .indexes(built: try listIndexesIfExists(of: namespace) ?? listIndexes(of: namespace), building: [])
        }
        let (built, building) =
            try listIndexesAndBuildsIfExists(of: namespace) ?? listIndexesAndBuilds(of: namespace)
        return .indexes(built: built, building: building)
    }
}
