import BSON
import BackupFile
import MongoDriver

/// How large a collection is, as the server keeps account of it: after a crash or in a sharded cluster it may be a little
/// off.
struct CollectionSize: Sendable {
    var count: Int
    /// Bytes of BSON a document; nil where there are none or the server does not say.
    var averageDocument: Int?
}

/// How large collections are, by their names in the database.
typealias CollectionSizes = [String: CollectionSize]

extension Connection {
    /// The sizes of all of `entries` but views.
    /// - Throws: ``MongoError``.
    func sizes(of entries: [BackupMetadata.Collection]) throws -> CollectionSizes {
        let asked = entries.filter { $0.kind != .view }
        let database = database
        let sizes = try answers(for: asked) { try $0.size(of: $1, in: database) }
        return Dictionary(uniqueKeysWithValues: zip(asked.map(\.databaseName), sizes))
    }
}

extension Client {
    /// Asks for the size without having it counted.
    ///
    /// One question a collection, of which `dataSize` is the cheapest that says both: `collStats` takes a server ten times
    /// as long. It knows no time series, and needs the same right to read as `count`.
    ///
    /// Source: MongoDB manual, `dataSize`, `count`.
    /// - Throws: ``MongoError``.
    fileprivate func size(of entry: BackupMetadata.Collection, in database: String) throws -> CollectionSize {
        if entry.kind == .collection, let size = try dataSize(entry.databaseName, database) { return size }
        let reply = try runRead(["count": .string(entry.databaseName)], on: database)
        return CollectionSize(count: reply["n"]?.integer ?? 0)
    }

    /// Nil where the server does not say, whatever it has against it.
    private func dataSize(_ collection: String, _ database: String) throws -> CollectionSize? {
        let command: Document = ["dataSize": .string("\(database).\(collection)"), "estimate": true]
        do {
            // It takes no read concern, which the connection string's would make the server refuse.
            let reply = try Repeating.run { _ in
                try run(command, on: database, readPreference: .connectionString)
            }
            guard let count = reply["numObjects"]?.integer, let bytes = reply["size"]?.integer else { return nil }
            return CollectionSize(count: count, averageDocument: count > 0 ? bytes / count : nil)
        } catch let error as MongoError where error.domain == .server && !error.isRetryable {
            return nil
        }
    }
}
