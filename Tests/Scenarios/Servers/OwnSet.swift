import BSON
import Foundation
import MongoDriver
import Testing

/// A replica set of three members for the tests alone, which can be cut off from each other and killed.
struct OwnSet {
    private let members: [OwnServer]

    /// The set for all tests that need it; they are serialized.
    static func shared() throws -> OwnSet { try sharedResult.get() }

    private static let sharedResult = Result { try OwnSet() }

    init() throws {
        members = try (0..<3).map { _ in try OwnServer(memberOf: "rs3") }
        let list = members.enumerated().map { index, member -> Value in
            ["_id": .int32(Int32(index)), "host": .string("127.0.0.1:\(member.port)")]
        }
        let settings: Value = ["electionTimeoutMillis": 4000, "heartbeatIntervalMillis": 500]
        try members[0].directClient().run(
            ["replSetInitiate": ["_id": "rs3", "members": .array(list), "settings": settings]], on: "admin",
            readPreference: .connectionString)
        try heal()
    }

    func uri(_ more: String = "") -> String {
        let hosts = members.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        return "mongodb://\(hosts)/?replicaSet=rs3&heartbeatFrequencyMS=500&\(more)"
    }

    func pool(_ more: String = "") throws -> ClientPool {
        try ClientPool(try ConnectionString(uri(more)), applicationName: "mongoferry tests")
    }

    /// Returns the primary and the other members.
    func roles() throws -> (primary: OwnServer, secondaries: [OwnServer]) {
        var primary: OwnServer?
        try poll("a primary") {
            primary = members.first { Self.hello($0)?["isWritablePrimary"]?.bool == true }
            return primary != nil
        }
        let found = try #require(primary)
        return (found, members.filter { $0 !== found })
    }

    private static func hello(_ member: OwnServer) -> Document? {
        try? member.directClient().run(["hello": 1], on: "admin", readPreference: .connectionString)
    }

    /// Starts members that were killed, and waits until all members have the same data.
    func heal() throws {
        for member in members where Self.hello(member) == nil { try member.start() }
        let write = WriteConcern(.nodes(3), timeout: 2000)
        try poll("all members", seconds: 120) {
            guard (try? roles()) != nil, let client = try? pool().makeClient() else { return false }
            let update: Value = ["q": ["_id": 1], "u": ["$inc": ["n": 1]], "upsert": true]
            return (try? client.runWrite(["update": "healed", "updates": [update]], on: "test", writeConcern: write))
                != nil
        }
    }

    /// Sets a fail point of the server's own code; see `src/mongo/db/repl` for the names.
    static func set(_ failPoint: String, isOn: Bool, on members: [OwnServer]) throws {
        for member in members {
            try member.directClient().run(
                ["configureFailPoint": .string(failPoint), "mode": isOn ? "alwaysOn" : "off"], on: "admin",
                readPreference: .connectionString)
        }
    }

    /// Runs `body` while the primary's writes reach no other member, although all of them communicate.
    static func withoutReplication<Result>(
        to members: [OwnServer], _ body: () throws -> Result
    ) throws -> Result {
        try set("stopReplProducer", isOn: true, on: members)
        defer { try? set("stopReplProducer", isOn: false, on: members) }
        return try body()
    }
}

/// Provides a temporary database on a replica set, and checks that nothing of MongoFerry's remains in it.
func withDatabase(on set: OwnSet, _ body: (TestDatabase, TemporaryFolder) throws -> Void) throws {
    try lendDatabase(of: try set.pool(), "mongoferry_set") { database, folder in
        defer { try? set.heal() }
        try body(database, folder)
        try set.heal()
    }
}
