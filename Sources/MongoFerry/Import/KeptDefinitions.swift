import BSON
import BackupFile
import MongoDriver

/// Options and indexes of collections that are dropped while a file says nothing of them.
///
/// Until the collection is complete they are nowhere else, and a run may be interrupted: the next one finds them here.
struct KeptDefinitions {
    let client: Client
    let database: String

    private var namespace: Namespace { Namespace(database, OwnNames.definitions) }

    /// As bytes: servers before 5.0 store no `$` names, which validators have.
    func keep(_ entry: BackupMetadata.Collection) throws {
        let definition: Document = [
            "isTimeSeries": .bool(entry.kind == .timeseries), "options": .document(entry.options),
            "indexes": .array(entry.indexes.map { .document($0) }),
        ]
        let kept: Document = [
            "_id": .string(entry.databaseName), "definition": .binary(subtype: 0, definition.bytes),
        ]
        let bulk = try client.bulkWrite(to: namespace)
        try kept.withRaw { try bulk.replaceOne(filter: Self.filter(entry.databaseName), with: $0, upsert: true) }
        try DocumentWriter.check(try bulk.execute())
    }

    /// The collection is complete. The last one takes the whole collection of them away.
    func forget(_ name: String) throws {
        let bulk = try client.bulkWrite(to: namespace)
        try bulk.deleteOne(filter: Self.filter(name))
        _ = try bulk.execute()
        if try client.countDocuments(namespace) == 0 { try client.drop(namespace) }
    }

    /// What is kept, by the collections' names in the database.
    func read() throws -> [String: BackupMetadata.Collection] {
        var result: [String: BackupMetadata.Collection] = [:]
        try client.find(namespace, [:], options: FindOptions(readPreference: .primary)).forEach { kept in
            guard let name = kept["_id"]?.string, case .binary(_, let bytes) = kept["definition"]?.copy,
                let definition = try? Document(validating: bytes)
            else { return }
            var entry = BackupMetadata.Collection(name: name, records: 0)
            entry.kind = definition["isTimeSeries"]?.bool == true ? .timeseries : .collection
            entry.options = definition["options"]?.document ?? Document()
            entry.indexes = definition["indexes"]?.array?.compactMap(\.document) ?? []
            result[name] = entry
        }
        return result
    }

    private static func filter(_ name: String) -> Document { ["_id": ["$eq": .string(name)]] }
}
