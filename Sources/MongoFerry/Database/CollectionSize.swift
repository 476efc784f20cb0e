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
    private let operationTime: Timestamp?
    private let made = ContinuousClock.now

    init(_ answers: [(String, SizeAnswer)]) {
        sizes = Dictionary(answers.map { ($0, $1.size) }) { first, _ in first }
        operationTime = answers.compactMap(\.1.operationTime).max()
    }

    subscript(name: String) -> CollectionSize? { sizes[name] }

    /// The server's time; nil where it told none, or a second has passed since: what happens to a collection until it is
    /// read had better lie before a snapshot than after it.
    var recentTime: Timestamp? { ContinuousClock.now - made < .seconds(1) ? operationTime : nil }
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
    /// Asks for the size, of which servers keep account. Of a time series they do not: its measurements are counted, bucket
    /// by bucket.
    ///
    /// One question a collection, of which `dataSize` is the cheapest that says both: `collStats` takes a server ten times
    /// as long. It knows no time series, and needs the same right to read as `count`.
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

    /// Of the first measurements of a time series, which servers keep no account of.
    private func averageMeasurement(_ namespace: Namespace) throws -> Int? {
        var (bytes, count) = (0, 0)
        try find(namespace, [:], options: FindOptions(limit: 20)).forEach {
            bytes += $0.bytes.count
            count += 1
        }
        return count > 0 ? bytes / count : nil
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
