import BSON
import Foundation
import MongoDriver
import TestServer
import Testing

/// A new database on the real server, and a client for it.
struct TestDatabase {
    let pool: ClientPool
    let client: Client
    let name: String

    func namespace(_ collection: String) -> Namespace { Namespace(name, collection) }

    /// The documents of a collection in the order of `_id`, byte for byte.
    func documents(in collection: String, _ filter: Document = [:]) throws -> [Document] {
        var documents: [Document] = []
        try client.find(namespace(collection), filter, options: FindOptions(sort: ["_id": 1])).forEach {
            documents.append(Document(copying: $0))
        }
        return documents
    }

    func count(_ collection: String) throws -> Int {
        try client.runRead(["count": .string(collection)], on: name)["n"]?.integer ?? -1
    }

    func insert(_ documents: some Sequence<Document>, into collection: String) throws {
        try client.insertAll(documents, into: namespace(collection))
    }

    /// For documents that the server may refuse.
    func tryInsert(_ documents: some Sequence<Document>, into collection: String) throws -> BulkWriteResult {
        try client.tryInsert(documents, into: namespace(collection))
    }
}

func testConnectionString(appending options: String = "") throws -> ConnectionString {
    let uri = try TestServer.uri
    guard !options.isEmpty else { return try ConnectionString(uri) }
    if uri.contains("?") { return try ConnectionString(uri + "&" + options) }
    let hasPath = uri.dropFirst("mongodb://".count).contains("/")
    return try ConnectionString(uri + (hasPath ? "?" : "/?") + options)
}

/// Lends a new database, drops it afterwards, and checks that the test left no cursor open on the server.
func withTestDatabase(
    applicationName: String = "mongoferry tests", options: String = "", _ body: (TestDatabase) throws -> Void
) throws {
    let pool = try ClientPool(try testConnectionString(appending: options), applicationName: applicationName)
    let name = "mongoferry_driver_\(UInt32.random(in: 0 ... .max))"
    defer { _ = try? pool.makeClient().runWrite(["dropDatabase": 1], on: name) }
    try body(TestDatabase(pool: pool, client: try pool.makeClient(), name: name))
    #expect(try openCursors(of: name, pool).isEmpty, "a cursor was left open on the server")
}

/// The ids of the database's idle cursors on the server.
func openCursors(of database: String, _ pool: ClientPool) throws -> [Value] {
    let pipeline: [Document] = [
        ["$currentOp": ["idleCursors": true, "localOps": true]],
        ["$match": ["type": "idleCursor", "ns": ["$gte": .string(database + "."), "$lt": .string(database + "/")]]],
    ]
    var ids: [Value] = []
    try pool.makeClient().aggregate(database: "admin", pipeline: pipeline).forEach {
        if let id = $0["cursor"]?.document?["cursorId"]?.copy { ids.append(id) }
    }
    return ids
}

/// Whether the server lets tests make its commands fail (`enableTestCommands`).
func serverHasFailPoints() throws -> Bool {
    let pool = try ClientPool(try testConnectionString(), applicationName: "mongoferry tests")
    do {
        try pool.makeClient().run(["configureFailPoint": "failCommand", "mode": "off"], on: "admin")
        return true
    } catch let error as MongoError where error.isCommandNotFound || error.isUnauthorized {
        return false
    }
}

func isReplicaSet() throws -> Bool {
    let pool = try ClientPool(try testConnectionString(), applicationName: "mongoferry tests")
    return try pool.makeClient().serverInfo().topology != .standalone
}
