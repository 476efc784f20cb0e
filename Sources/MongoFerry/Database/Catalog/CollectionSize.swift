import BSON
import BackupFile
import MongoDriver

/// The size of a collection by the server's metadata: after a crash or in a sharded cluster it may be slightly off.
struct CollectionSize: Sendable {
    var count: Int
    /// The average BSON size of a document in bytes; nil if there are no documents or the server does not report it.
    var averageDocument: Int?
}

/// The sizes of collections, by their names in the database.
struct CollectionSizes: Sendable {
    private let sizes: [String: CollectionSize]
    /// The latest operation time that the server reported with the sizes; nil if it reported none.
    private let operationTime: Timestamp?
    private let made = ContinuousClock.now

    init(_ answers: [(String, SizeAnswer)]) {
        sizes = Dictionary(answers.map { ($0, $1.size) }) { first, _ in first }
        operationTime = answers.compactMap(\.1.operationTime).max()
    }

    subscript(name: String) -> CollectionSize? { sizes[name] }

    /// The server's operation time; nil if it reported none, or if it is a second old or older. A snapshot should
    /// rather include what happens to a collection before it is read than miss it.
    var recentTime: Timestamp? { ContinuousClock.now - made < .seconds(1) ? operationTime : nil }
}

/// A server's answer to the question for a size.
struct SizeAnswer: Sendable {
    let size: CollectionSize
    let operationTime: Timestamp?

    fileprivate init(_ size: CollectionSize, _ reply: Document) {
        self.size = size
        operationTime = reply["operationTime"]?.timestamp
    }
}

extension Connection {
    /// The sizes of all `entries` but views.
    /// - Throws: ``MongoError``.
    func sizes(of entries: [BackupMetadata.Collection]) throws -> CollectionSizes {
        let asked = entries.filter { $0.kind != .view }
        let database = database
        let answers = try answers(for: asked) { try $0.size(of: $1, in: database) }
        return CollectionSizes(Array(zip(asked.map(\.databaseName), answers)))
    }
}

extension Client {
    /// Asks for the size of a collection, which servers keep in their metadata. They do not for a time series: its
    /// measurements are counted, bucket by bucket.
    ///
    /// Asks one question per collection. `dataSize` is the cheapest that reports both count and bytes: `collStats`
    /// takes a server ten times as long. `dataSize` does not support time series, and needs the same read privilege as
    /// `count`.
    ///
    /// Source: MongoDB manual, `dataSize`, `count`.
    /// - Throws: ``MongoError``.
    func size(of entry: BackupMetadata.Collection, in database: String) throws -> SizeAnswer {
        if entry.kind == .collection, let size = try dataSize(entry.databaseName, database) { return size }
        let reply = try runRead(["count": .string(entry.databaseName)], on: database)
        var size = CollectionSize(count: reply["n"]?.integer ?? 0)
        if entry.kind == .timeseries, size.count > 0 {
            size.averageDocument = try averageMeasurement(Namespace(database, entry.databaseName))
        }
        return SizeAnswer(size, reply)
    }

    /// The average size of the first 20 measurements of a time series: servers keep no such number.
    private func averageMeasurement(_ namespace: Namespace) throws -> Int? {
        var (bytes, count) = (0, 0)
        try find(namespace, [:], options: FindOptions(limit: 20)).forEach {
            bytes += $0.bytes.count
            count += 1
        }
        return count > 0 ? bytes / count : nil
    }

    /// Asks with `dataSize`; nil if the server refuses for any reason.
    private func dataSize(_ collection: String, _ database: String) throws -> SizeAnswer? {
        let command: Document = ["dataSize": .string("\(database).\(collection)"), "estimate": true]
        do {
            // The command takes no read concern: the server would refuse it with the connection string's.
            let reply = try Repeating.run { _ in
                try run(command, on: database, readPreference: .connectionString)
            }
            guard let count = reply["numObjects"]?.integer, let bytes = reply["size"]?.integer else { return nil }
            return SizeAnswer(CollectionSize(count: count, averageDocument: count > 0 ? bytes / count : nil), reply)
        } catch let error as MongoError where error.isRefusal {
            return nil
        }
    }
}
