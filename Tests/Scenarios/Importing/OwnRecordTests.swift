import BSON
import BackupFile
import MongoDriver
import Relations
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
            let asleep = try ImportLock(connection, OperationContext())
            // No process has this number, so that it may be taken over, however often the heartbeat comes.
            try database.run([
                "update": "__mongoferry_lock", "updates": [["q": [:], "u": ["$set": ["pid": .int32(.max)]]]],
            ])
            let running = try ImportLock(connection, OperationContext())
            #expect(running.tookOver)
            try body(database, connection, asleep, running)
            try running.release()
            try asleep.release()
        }
    }

    private static func kept(_ connection: Connection, _ client: Client, _ lock: ImportLock) -> KeptDefinitionsWriter {
        lock.definitions(client, of: connection.database)
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
                let read = try Self.kept(connection, client, running).kept.read()
                #expect(read[ExactName(Self.name)]?.definition.options == mine.definition.options)
                try Self.kept(connection, client, running).forget(Self.name)
                #expect(try !database.names().contains("__mongoferry_definitions"))
            }
        }
    }

    /// The killed import's drop and rename may still be under way until then.
    @Test func whatAKilledImportNotedOfWhatIsThereStaysUntilTheNextOneEnds() throws {
        try Self.withTwoLocks { database, connection, _, running in
            try connection.withClient { client in
                try database.create(Self.name, ["validator": ["t": ["$type": "date"]]])
                var entry = Self.entry(["validator": ["t": ["$type": "date"]]])
                entry.source = try CollectionIdentities.uuid(of: Self.name, in: database.name, client)
                try #require(entry.source != nil)
                try Self.kept(connection, client, running).keep(entry)
                // As an older version stored it.
                try database.update("__mongoferry_definitions", [:], ["$unset": ["owner": ""]])
                try database.insert(
                    [["_id": "__mongoferry_displaced.killed.0", "name": .string(Self.name)]],
                    into: "__mongoferry_displaced")
                func leftovers() throws -> Leftovers {
                    let found = try client.listCollections(in: database.name, readPreference: .primary)
                    return Leftovers(
                        connection: connection, lock: running, operation: OperationContext(), collections: found)
                }
                try leftovers().removeRest(after: leftovers().giveNamesBack())
                #expect(try database.count("__mongoferry_definitions") == 1)
                #expect(try database.count("__mongoferry_displaced") == 1)
                try leftovers().removeRecordsOfKilled()
                #expect(try database.names() == ["__mongoferry_lock", Self.name])
            }
        }
    }

    /// An import of a sealed file was killed after it had dropped a time series, and now a file without metadata is
    /// imported: it must not make a plain collection of it.
    @Test(arguments: [true, false]) func whatAKilledImportHasDroppedComesBackWithWhateverFile(isSeries: Bool) throws {
        try withTestDatabase { database, folder in
            let connection = try Connection(
                database.target, database: database.name, Cancellation(), forWriting: true)
            var entry = Self.entry(
                isSeries ? ["timeseries": ["timeField": "t"]] : ["validator": ["t": ["$type": "date"]]])
            entry.definition.kind = isSeries ? .timeseries : .collection
            entry.definition.indexes = [["v": 2, "key": ["n": 1], "name": "n_1"]]
            entry.file = "the digest of another file"
            try connection.withClient { client in
                let killed = try ImportLock(connection, OperationContext())
                try Self.kept(connection, client, killed).keep(entry)
                try killed.release()
            }
            let id = "5c2aad800000000000000009"
            let json = #"{"_id":{"$oid":"\#(id)"},"t":{"$date":"2020-01-01T00:00:00Z"},"n":1}"#
            try folder.write(LegacyFile.text(rows: [LegacyFile.row(Self.name, json: json)]), to: "bare.csv")
            let log = MessageLog()
            let report = try database.load(folder.file("bare.csv"), .replace, log)
            #expect(report.totals.inserted == 1, "\(log.text)")
            #expect(log.text.contains("it gets what it had before an import was interrupted: "), "\(log.text)")
            let found = try #require(
                try database.client.listCollections(in: database.name).first { $0.name == Self.name })
            #expect(isSeries ? found.kind == .timeseries : found.options["validator"] != nil)
            let indexes = try database.client.listIndexes(of: database.namespace(Self.name))
            #expect(indexes.contains { $0["name"] == "n_1" })
            #expect(try !database.names().contains("__mongoferry_definitions"))
        }
    }

    /// The records of imports that have ended are the next import's to change.
    @Test func theRecordsOfEarlierImportsAreContinued() throws {
        try withTestDatabase { database, _ in
            let connection = try Connection(
                database.target, database: database.name, Cancellation(), forWriting: true)
            try connection.withClient { client in
                let first = try ImportLock(connection, OperationContext())
                try Self.kept(connection, client, first).keep(Self.entry(["expireAfterSeconds": 60]))
                try first.release()
                let second = try ImportLock(connection, OperationContext())
                // Nobody has read them under this lock yet.
                #expect(throws: FerryError.self) {
                    try Self.kept(connection, client, second).keep(Self.entry(["expireAfterSeconds": 7]))
                }
                let found = try client.listCollections(in: connection.database, readPreference: .primary)
                let leftovers = Leftovers(
                    connection: connection, lock: second, operation: OperationContext(), collections: found)
                try leftovers.removeRest(after: leftovers.giveNamesBack())
                try Self.kept(connection, client, second).keep(Self.entry(["expireAfterSeconds": 7]))
                let read = try Self.kept(connection, client, second).kept.read()
                #expect(read[ExactName(Self.name)]?.definition.options == ["expireAfterSeconds": 7])
                try Self.kept(connection, client, second).forget(Self.name)
                try second.release()
            }
        }
    }
}
