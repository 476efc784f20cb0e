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
struct CollectionSizes: Sendable {
    private let sizes: [String: CollectionSize]
    /// The latest time that the server told with them; nil where it tells none.
    let operationTime: Timestamp?

    init(_ answers: [(String, SizeAnswer)]) {
        sizes = Dictionary(uniqueKeysWithValues: answers.map { ($0, $1.size) })
        operationTime = answers.compactMap(\.1.operationTime).max()
    }

    subscript(name: String) -> CollectionSize? { sizes[name] }
}

/// One answer of a server that was asked for a size.
struct SizeAnswer: Sendable {
    let size: CollectionSize
    let operationTime: Timestamp?

    fileprivate init(_ size: CollectionSize, _ reply: Document) {
        self.size = size
        operationTime = reply["operationTime"]?.timestamp
    }
}

extension Connection {
    /// The sizes of all of `entries` but views.
    /// - Throws: ``MongoError``.
    func sizes(of entries: [BackupMetadata.Collection]) throws -> CollectionSizes {
        let asked = entries.filter { $0.kind != .view }
        let database = database
        let answers = try answers(for: asked) { try $0.size(of: $1, in: database) }
        return CollectionSizes(Array(zip(asked.map(\.databaseName), answers)))
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
    func size(of entry: BackupMetadata.Collection, in database: String) throws -> SizeAnswer {
        if entry.kind == .collection, let size = try dataSize(entry.databaseName, database) { return size }
        let reply = try runRead(["count": .string(entry.databaseName)], on: database)
        return SizeAnswer(CollectionSize(count: reply["n"]?.integer ?? 0), reply)
    }

    /// Nil where the server does not say, whatever it has against it.
    private func dataSize(_ collection: String, _ database: String) throws -> SizeAnswer? {
        let command: Document = ["dataSize": .string("\(database).\(collection)"), "estimate": true]
        do {
            // It takes no read concern, which the connection string's would make the server refuse.
            let reply = try Repeating.run { _ in
                try run(command, on: database, readPreference: .connectionString)
            }
            guard let count = reply["numObjects"]?.integer, let bytes = reply["size"]?.integer else { return nil }
            return SizeAnswer(CollectionSize(count: count, averageDocument: count > 0 ? bytes / count : nil), reply)
        } catch let error as MongoError where error.domain == .server && !error.isRetryable {
            return nil
        }
    }
}
