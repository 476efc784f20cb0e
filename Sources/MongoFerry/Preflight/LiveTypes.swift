import BSON
import BackupFile
import MongoDriver
import Relations

/// The types in the documents of a database, and its collections.
struct LiveTypes {
    /// By the collections' names in the file.
    private(set) var types: [String: [FieldPath: ObservedType]] = [:]
    /// What else is known of the same documents, by the same names.
    private(set) var details: [String: LiveDetails] = [:]
    /// The collections that have `_id`s of the file as strings of 24 hexadecimal digits, by their names in the file.
    private(set) var textIDs: Set<String> = []
    /// The collections with too many different names to look at all, by their names in the file.
    private(set) var crowded: [String] = []
    /// The collections to which references may lead, by their names in the database.
    let collections: [String]

    /// - Parameters:
    ///   - names: the collections whose documents to look at, by their names in the file.
    ///   - keys: `_id`s to look for as strings of hexadecimal digits.
    ///   - observer: makes an observer of the paths that matter in a collection, by its name in the file.
    ///   - databaseName: returns a collection's name in the database.
    /// - Throws: ``MongoError``; `CancellationError`.
    init(
        _ connection: Connection, of names: [String], keys: [(collection: String, ids: [ObjectID])],
        _ cancellation: Cancellation, observer: (String) -> TypeObserver, databaseName: (String) -> String
    ) throws {
        let found = try connection.withClient { try $0.listCollections(in: connection.database) }
        let live = found.filter {
            [.collection, .timeseries].contains($0.kind) && !ServerNames.contains($0.name)
                && !OwnNames.contains($0.name)
        }
        collections = live.filter { $0.kind == .collection }.map(\.name)
        let infos = Dictionary(live.map { (ExactName($0.name), $0) }) { first, _ in first }
        for (name, ids) in keys where infos[ExactName(databaseName(name))]?.kind == .collection {
            if try Self.hasAny(of: ids, connection, databaseName(name), cancellation) { textIDs.insert(name) }
        }
        guard !names.isEmpty else { return }
        let kept = try Self.keptTypes(connection, found)
        for shown in Set(names.map(ExactName.init)).sorted() {
            try cancellation.check()
            let name = ExactName(databaseName(shown.text))
            if let types = kept[name] {
                self.types[shown.text] = types
            } else if let info = infos[name] {
                var observer = observer(shown.text)
                let (seen, details, areAllLookedFor) = try Self.look(connection, info, &observer, cancellation)
                (types[shown.text], self.details[shown.text]) = (seen, details)
                if observer.isFull || !areAllLookedFor { crowded.append(shown.text) }
            }
        }
    }

    /// Whether the collection has some of these `_id`s as strings. A sample of its documents could miss the few that an
    /// earlier import has left.
    private static func hasAny(
        of ids: [ObjectID], _ connection: Connection, _ name: String, _ cancellation: Cancellation
    ) throws -> Bool {
        try connection.withClient { client in
            for start in stride(from: 0, to: min(ids.count, mostKeys), by: keysAtOnce) {
                try cancellation.check()
                let texts = ids[start..<min(start + keysAtOnce, ids.count)].map { Value.string("\($0)") }
                if try !client.existing(texts, in: connection.namespace(name)).isEmpty { return true }
            }
            return false
        }
    }

    private static let keysAtOnce = 10_000
    private static let mostKeys = 200_000

    /// The types in collections that an interrupted import has left incomplete, as recorded before, by the collections'
    /// names in the database: what is there now tells less.
    /// - Parameter found: everything in the database.
    private static func keptTypes(
        _ connection: Connection, _ found: [CollectionInfo]
    ) throws -> [ExactName: [FieldPath: ObservedType]] {
        guard found.contains(where: { $0.name == OwnNames.definitions }) else { return [:] }
        let identities = CollectionIdentities(found)
        let entries: [ExactName: KeptDefinitions.Entry]
        do {
            entries = try connection.withClient {
                try KeptDefinitions(client: $0, database: connection.database).read()
            }
        } catch is FerryError {
            // A check warns of a record that cannot be read, and an import stops.
            return [:]
        }
        var types: [ExactName: [FieldPath: ObservedType]] = [:]
        for (name, entry) in entries where !entry.types.isEmpty {
            guard entry.isInPart(isThere: identities[name.text] != nil, uuid: identities.uuid(of: name.text))
            else { continue }
            types[name] = entry.types
        }
        return types
    }

    private static func look(
        _ connection: Connection, _ info: CollectionInfo, _ observer: inout TypeObserver, _ cancellation: Cancellation
    ) throws -> ([FieldPath: ObservedType], LiveDetails, areAllLookedFor: Bool) {
        var entry = BackupMetadata.Collection(
            name: info.name, kind: info.kind == .timeseries ? .timeseries : .collection)
        entry.options = info.options
        let sample = DocumentSample(
            of: entry, try connection.sizes(of: [entry])[info.name], .steady, over: connection)
        let (areAll, areAllLookedFor) = try connection.withClient { client in
            let areAll = try sample.forEach(client) { try observer.add($0) }
            return try (
                areAll, areAll || UnseenPaths(sample: sample, cancellation: cancellation).look(client, &observer)
            )
        }
        var types = observer.types
        // Whatever a time series holds, and even if it is empty.
        if let field = info.options.timeField {
            types[FieldPath(steps: [.field(field)])] = .one(.date)
        }
        let details = LiveDetails(areComplete: areAll && !observer.isFull, lostNumbers: observer.lostNumbers)
        return (types, details, areAllLookedFor)
    }
}
