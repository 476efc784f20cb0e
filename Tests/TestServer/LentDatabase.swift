import BSON
import MongoDriver

/// A database of a test's own on the real server, and a client for it.
///
/// Belongs to its test's thread; other threads take their own clients from `pool`.
package struct LentDatabase {
    package let pool: ClientPool
    package let client: Client
    package let name: String

    package init(pool: ClientPool, client: Client, name: String) {
        self.pool = pool
        self.client = client
        self.name = name
    }

    /// Lends a new database, and drops it afterwards.
    /// - Parameter prefix: what its name begins with, so that people can tell where a forgotten one is from.
    package static func lend(of pool: ClientPool, _ prefix: String, _ body: (LentDatabase) throws -> Void) throws {
        let name = "\(prefix)_\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let client = try pool.makeClient()
        // The test may have left its own client in any state.
        defer { _ = try? pool.makeClient().runWrite(["dropDatabase": 1], on: name) }
        try body(LentDatabase(pool: pool, client: client, name: name))
    }

    package func namespace(_ collection: String) -> Namespace { Namespace(name, collection) }

    /// Returns documents byte for byte.
    /// - Parameter sort: nil for the server's own order, which is that of insertion in a capped collection.
    package func documents(
        in collection: String, _ filter: Document = [:], sort: Document? = nil
    ) throws -> [Document] {
        var documents: [Document] = []
        try client.find(namespace(collection), filter, options: FindOptions(sort: sort)).forEach {
            documents.append(Document(copying: $0))
        }
        return documents
    }

    package func count(_ collection: String, _ filter: Document = [:]) throws -> Int {
        try client.runRead(["count": .string(collection), "query": .document(filter)], on: name)["n"]?.integer ?? -1
    }

    package func insert(_ documents: some Sequence<Document>, into collection: String) throws {
        try client.insertAll(documents, into: namespace(collection))
    }

    /// For documents that the server may refuse.
    package func tryInsert(_ documents: some Sequence<Document>, into collection: String) throws -> BulkWriteResult {
        try client.tryInsert(documents, into: namespace(collection))
    }
}
