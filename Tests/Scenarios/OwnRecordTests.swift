import BSON
import BackupFile
import MongoDriver
import Testing

@testable import MongoFerry

/// What an import notes for the one after it, when it was suspended and another has taken its lock over.
@Suite struct OwnRecordTests {
    private static let name = "series"

    private static func entry(_ options: Document) -> KeptDefinitions.Entry {
        var definition = BackupMetadata.Collection(name: name, records: 0)
        definition.options = options
        return KeptDefinitions.Entry(definition: definition)
    }

    /// Runs `body` with the lock of an import that was suspended, and that of another that took it over.
    private static func withTwoLocks(
        _ body: (TestDatabase, Connection, _ asleep: ImportLock, _ running: ImportLock) throws -> Void
    ) throws {
        try withTestDatabase { database, _ in
            let connection = try Connection(
                database.target, database: database.name, Cancellation(), forWriting: true)
            let asleep = try ImportLock(connection)
            let old: Document = ["$subtract": ["$$NOW", 60_000]]
            try database.run([
                "update": "__mongoferry_lock", "updates": [["q": [:], "u": [["$set": ["beat": .document(old)]]]]],
            ])
            let running = try ImportLock(connection)
            #expect(running.tookOver)
            try body(database, connection, asleep, running)
            try running.release()
            try asleep.release()
        }
    }

    private static func kept(_ connection: Connection, _ client: Client, _ lock: ImportLock) -> KeptDefinitions {
        KeptDefinitions(client: client, database: connection.database, lock: lock)
    }

    @Test func theOtherImportsRecordIsNeitherRemovedNorReplaced() throws {
        try Self.withTwoLocks { database, connection, asleep, running in
            try connection.withClient { client in
                let mine = Self.entry(["expireAfterSeconds": 60])
                try Self.kept(connection, client, running).keep(mine)
                // Whether it fails because it has noticed the loss, or removes nothing: the record stays.
                try? Self.kept(connection, client, asleep).forget(Self.name)
                #expect(throws: FerryError.self) {
                    try Self.kept(connection, client, asleep).keep(Self.entry(["expireAfterSeconds": 7]))
                }
                let read = try Self.kept(connection, client, running).read()
                #expect(read[Self.name]?.definition.options == mine.definition.options)
                try Self.kept(connection, client, running).forget(Self.name)
                #expect(try !database.names().contains("__mongoferry_definitions"))
            }
        }
    }

    /// The records of imports that have ended are the next import's to change.
    @Test func theRecordsOfEarlierImportsAreContinued() throws {
        try withTestDatabase { database, _ in
            let connection = try Connection(
                database.target, database: database.name, Cancellation(), forWriting: true)
            try connection.withClient { client in
                let first = try ImportLock(connection)
                try Self.kept(connection, client, first).keep(Self.entry(["expireAfterSeconds": 60]))
                try first.release()
                let second = try ImportLock(connection)
                // Nobody has read them under this lock yet.
                #expect(throws: FerryError.self) {
                    try Self.kept(connection, client, second).keep(Self.entry(["expireAfterSeconds": 7]))
                }
                let found = try client.listCollections(in: connection.database, readPreference: .primary)
                try Leftovers(
                    connection: connection, lock: second, operation: OperationContext(), collections: found
                ).lookAfter { _ in false }
                try Self.kept(connection, client, second).keep(Self.entry(["expireAfterSeconds": 7]))
                let read = try Self.kept(connection, client, second).read()
                #expect(read[Self.name]?.definition.options == ["expireAfterSeconds": 7])
                try Self.kept(connection, client, second).forget(Self.name)
                try second.release()
            }
        }
    }
}
