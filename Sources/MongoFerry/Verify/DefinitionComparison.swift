import BSON
import BackupFile
import MongoDriver
import Relations

/// Compares the options, indexes and views of a file with the database. What only the database has is not a difference.
struct DefinitionComparison {
    let connection: Connection
    let names: FileNames

    struct Result {
        var differences: [Report.Difference] = []
        /// Warnings about what the user's privileges hide.
        var warnings: [String] = []
    }

    private struct Indexes: Sendable {
        /// Without indexes that are still being built and may fail.
        var built: [Document] = []
        var building: Set<ExactName> = []
        var mayBeSeen = true
    }

    /// - Parameters:
    ///   - entries: collections from the file's metadata; missing ones are reported by the comparison of their
    ///     documents.
    ///   - live: what the database holds.
    /// - Throws: ``MongoError``.
    func run(_ entries: [BackupMetadata.Collection], _ live: [CollectionInfo]) throws -> Result {
        let live = Dictionary(live.map { (ExactName($0.name), $0) }) { first, _ in first }
        func info(_ entry: BackupMetadata.Collection) -> CollectionInfo? {
            live[ExactName(names.databaseName(of: entry.name))]
        }
        let indexed = entries.filter { entry in
            entry.kind != .view && info(entry).map { $0.kind != .view } ?? false
        }
        let indexes = try connection.answers(for: indexed.map { connection.namespace(names.databaseName(of: $0.name)) })
        {
            try Self.indexes(of: $1, $0)
        }
        let byName = Dictionary(zip(indexed.map { ExactName($0.name) }, indexes)) { first, _ in first }
        var result = Result()
        for entry in entries {
            let found = info(entry)
            if entry.kind == .view {
                result.add(entry, Self.viewTexts(entry, found))
            } else if let found, let indexes = byName[ExactName(entry.name)] {
                result.add(entry, Self.texts(entry, found, indexes))
                if !indexes.mayBeSeen { result.warnings.append(Self.unseen("indexes of '\(found.name.oneLine)'")) }
            }
            if let found, !found.hasDetails {
                result.warnings.append(Self.unseen("options of '\(found.name.oneLine)'"))
            }
        }
        return result
    }

    /// Whether an option that the file lacks changes what the file has: a validator may be switched off, and a view's
    /// collation is the order and the equality of its documents.
    private static func isOfFile(_ option: String, _ entry: BackupMetadata.Collection) -> Bool {
        entry.kind == .view
            || ["validationLevel", "validationAction"].contains(option) && entry.options["validator"] != nil
    }

    private static func unseen(_ what: String) -> String { "the \(what) were not compared: the user may not see them" }

    private static func indexes(of namespace: Namespace, _ client: Client) throws -> Indexes {
        do {
            let (built, building) = try client.listIndexesAndBuilds(of: namespace)
            return Indexes(built: built, building: Set(building.map(CollectionDifferences.name)))
        } catch let error as MongoError where error.isUnauthorized {
            return Indexes(mayBeSeen: false)
        }
    }

    private static func viewTexts(_ entry: BackupMetadata.Collection, _ found: CollectionInfo?) -> [String] {
        guard let found else { return ["the view is not there"] }
        guard found.kind == .view else { return ["a collection has the view's name"] }
        return texts(entry, found, Indexes())
    }

    private static func texts(
        _ entry: BackupMetadata.Collection, _ found: CollectionInfo, _ indexes: Indexes
    ) -> [String] {
        let isSeries = (entry.kind == .timeseries, found.kind == .timeseries)
        guard isSeries.0 == isSeries.1 else {
            return [
                isSeries.0
                    ? "it is no time series in the database, and its documents were not compared"
                    : "it is a time series in the database"
            ]
        }
        let differences = CollectionDifferences.found(entry, options: found.options, indexes: indexes.built)
        return differences.compactMap { difference in
            switch difference {
            case .option(let name, nil, _) where !Self.isOfFile(name, entry): nil
            case .option(let name, let file, let live):
                found.hasDetails ? CollectionDifferences.optionText(name, file, live) : nil
            case .index(let name):
                indexes.mayBeSeen ? CollectionDifferences.indexText(name, entry.indexes, indexes.built) : nil
            case .rivalIndex(let name, let live):
                indexes.mayBeSeen
                    ? "index \(BackupMetadata.shown(name)) is not there; \(BackupMetadata.shown(live)) is like it, with other options: "
                        + CollectionDifferences.optionsText(name, entry.indexes, live, indexes.built)
                    : nil
            case .missingIndex(let name):
                indexes.mayBeSeen
                    ? "index \(BackupMetadata.shown(name)) is \(indexes.building.contains(ExactName(name)) ? "still being built" : "not there")"
                    : nil
            case .renamedIndex, .extraIndex: nil
            }
        }
    }
}

extension DefinitionComparison.Result {
    fileprivate mutating func add(_ entry: BackupMetadata.Collection, _ texts: [String]) {
        differences += texts.map { .init(collection: entry.name, kind: .definition, detail: $0) }
    }
}
