import BSON
import Foundation
import MongoDriver
import TestServer
import Testing

func testConnectionString(appending options: String = "") throws -> ConnectionString {
    let uri = try TestServer.uri
    guard !options.isEmpty else { return try ConnectionString(uri) }
    if uri.contains("?") { return try ConnectionString(uri + "&" + options) }
    let hasPath = uri.dropFirst("mongodb://".count).contains("/")
    return try ConnectionString(uri + (hasPath ? "?" : "/?") + options)
}

/// Lends a new database, drops it afterwards, and checks that the test left no cursor open on the server.
func withTestDatabase(
    applicationName: String = "mongoferry tests", options: String = "", _ body: (LentDatabase) throws -> Void
) throws {
    let pool = try ClientPool(try testConnectionString(appending: options), applicationName: applicationName)
    try LentDatabase.lend(of: pool, "mongoferry_driver") { database in
        try body(database)
        #expect(try openCursors(of: database.name, pool).isEmpty, "a cursor was left open on the server")
    }
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
