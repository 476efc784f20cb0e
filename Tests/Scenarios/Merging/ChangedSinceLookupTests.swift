import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension BusyServerTests {
    /// Other programs delete and insert documents between the lookup of an import's batch and its write.
    @Suite(.serialized) struct ChangedSinceLookupTests {
        let server: OwnServer

        init() throws { server = try BusyServerTests.server.get() }

        /// Writes a file with these documents of the collection `c`.
        private func write(_ documents: [Document], _ database: TestDatabase, _ folder: TemporaryFolder) throws {
            try database.insert(documents, into: "c")
            let export = try Program.run(
                ["export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("c.csv")])
            try #require(export.status == 0, "\(export.text)")
            try database.delete("c", [:])
        }

        private func importing(_ database: TestDatabase, _ folder: TemporaryFolder, _ more: [String] = []) -> [String] {
            ["import", folder.file("c.csv"), "--uri", server.uri(), "--db", database.name, "--report"]
                + [folder.file("r.json")] + more
        }

        /// The numbers of documents that were inserted, updated, unchanged and rejected.
        private func counts(_ folder: TemporaryFolder) throws -> [JSONValue?] {
            let collection = try JSONValue(folder.text("r.json"))["collections"]?.array.first
            return ["inserted", "updated", "unchanged", "rejected"].map { collection?[$0] }
        }

        @Test func whatIsDeletedBeforeItsReplacementCountsAsInserted() throws {
            try withDatabase(on: server) { database, folder in
                try write((1...5).map { ["_id": .int32($0), "v": 1] }, database, folder)
                try database.insert((1...5).map { ["_id": .int32($0), "v": 0] }, into: "c")
                let outcome = try server.hold(
                    "update", "\(database.name).c", answer: [:], of: importing(database, folder)
                ) {
                    for id in 1...3 { try database.delete("c", ["_id": .int32(Int32(id))]) }
                }
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try counts(folder) == [.number(3), .number(2), .number(0), .number(0)])
                #expect(try database.count("c") == 5)
            }
        }

        /// Otherwise a key would be there twice, and deleted documents would live again under `_id`s that neither the
        /// file nor anybody else has.
        @Test func aKeyThatHasPassedToAnotherDocumentIsNotWrittenASecondTime() throws {
            try withDatabase(on: server) { database, folder in
                try write((1...6).map { ["_id": .int32($0), "mail": .int32($0), "v": 1] }, database, folder)
                try database.insert((1...6).map { ["_id": .string("L\($0)"), "mail": .int32($0), "v": 0] }, into: "c")
                let outcome = try server.hold(
                    "update", "\(database.name).c", answer: [:],
                    of: importing(database, folder, ["--upsert-keys", "mail"])
                ) {
                    for id in ["L3", "L4", "L5"] { try database.delete("c", ["_id": .string(id)]) }
                    try database.insert(
                        [["_id": "new", "mail": 3, "v": 7], ["_id": "equal", "mail": 5, "v": 1]], into: "c")
                }
                #expect(outcome.status == 0, "\(outcome.text)")
                let there = try database.documents(in: "c").sorted {
                    ($0["mail"]?.integer ?? 0) < ($1["mail"]?.integer ?? 0)
                }
                let expected: [Document] = [
                    ["_id": "L1", "mail": 1, "v": 1], ["_id": "L2", "mail": 2, "v": 1],
                    ["_id": "new", "mail": 3, "v": 1], ["_id": 4, "mail": 4, "v": 1],
                    ["_id": "equal", "mail": 5, "v": 1], ["_id": "L6", "mail": 6, "v": 1],
                ]
                #expect(there == expected)
                #expect(try counts(folder) == [.number(1), .number(4), .number(1), .number(0)])
            }
        }

        /// Documents that exchange values of a unique index are deleted and inserted in a transaction.
        @Test func aKeyThatHasPassedToAnotherDocumentIsNotWrittenByATransactionEither() throws {
            try withDatabase(on: server) { database, folder in
                try write([["_id": 1, "k": "a", "u": 2], ["_id": 2, "k": "b", "u": 1]], database, folder)
                try database.run([
                    "createIndexes": "c", "indexes": [["key": ["u": 1], "name": "u", "unique": true]],
                ])
                try database.insert([["_id": 1, "k": "a", "u": 1], ["_id": 2, "k": "b", "u": 2]], into: "c")
                let outcome = try server.hold(
                    "delete", "\(database.name).c", answer: [:],
                    of: importing(database, folder, ["--upsert-keys", "k"])
                ) {
                    try database.delete("c", ["_id": 1])
                    try database.insert([["_id": 3, "k": "a", "u": 9]], into: "c")
                }
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("another program has changed or deleted the document that had its key"),
                    "\(outcome.errors)")
                #expect(
                    Set(try database.documents(in: "c"))
                        == [["_id": 2, "k": "b", "u": 1], ["_id": 3, "k": "a", "u": 9]])
                #expect(try counts(folder) == [.number(0), .number(1), .number(0), .number(1)])
            }
        }

        /// One is deleted before it is replaced, another changed after it was: each row counts once.
        @Test func whatIsChangedOnceMoreCountsOnce() throws {
            try withDatabase(on: server) { database, folder in
                try write((1...4).map { ["_id": .int32($0), "mail": .int32($0), "v": 1] }, database, folder)
                try database.insert((1...4).map { ["_id": .int32($0), "mail": .int32($0), "v": 0] }, into: "c")
                // The first command looks for what is there.
                let pause = try FailPoint(
                    server, ["find", "update"], mode: .skip(1),
                    [
                        "namespace": .string("\(database.name).c"), "blockConnection": true, "blockTimeMS": 1000,
                    ])
                let program = try Program(importing(database, folder, ["--upsert-keys", "mail"]))
                try pause.waitUntilEntered()
                try database.delete("c", ["_id": 1])
                let since = try server.logSize
                try poll("the second look") { try server.hasHeldUp(since: since) }
                try database.update("c", ["_id": 2], ["$set": ["v": 5]])
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try counts(folder) == [.number(1), .number(3), .number(0), .number(0)])
                #expect(try database.count("c", ["v": 1]) == 4)
            }
        }

        /// Whoever took it has given it up again: the document is missing after all.
        @Test func anIDThatIsTakenAndFreedAgainIsInserted() throws {
            try withDatabase(on: server) { database, folder in
                try write([["_id": 1, "v": 1], ["_id": 2, "v": 1]], database, folder)
                try database.insert([["_id": 1, "v": 0]], into: "c")
                // The first command looks for what is there.
                let pause = try FailPoint(
                    server, ["find", "insert"], mode: .skip(1),
                    [
                        "namespace": .string("\(database.name).c"), "blockConnection": true, "blockTimeMS": 1000,
                    ])
                let program = try Program(importing(database, folder, ["--mode", "insert"]))
                try pause.waitUntilEntered()
                let other = try server.directClient()
                try other.insertAll([["_id": 2, "v": 9]], into: database.namespace("c"))
                let since = try server.logSize
                try poll("the second look") { try server.hasHeldUp(since: since) }
                try database.delete("c", ["_id": 2])
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try counts(folder) == [.number(1), .number(0), .number(1), .number(0)])
                #expect(try database.documents(in: "c", ["_id": 2]) == [["_id": 2, "v": 1]])
            }
        }

        /// The rows are not to blame, and setting them all aside would say so.
        @Test func aViewInTheCollectionsPlaceStopsTheImport() throws {
            try withDatabase(on: server) { database, folder in
                try write([["_id": 1, "v": 1], ["_id": 2, "v": 1]], database, folder)
                try database.insert([["_id": 1, "v": 0]], into: "c")
                let outcome = try server.hold(
                    "insert", "\(database.name).c", answer: [:], of: importing(database, folder)
                ) {
                    try database.drop("c")
                    try database.create("c", ["viewOn": "other", "pipeline": []])
                }
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("CommandNotSupportedOnView, code 166"), "\(outcome.errors)")
                #expect(!outcome.errors.contains("rejected"), "\(outcome.errors)")
                #expect(try folder.names() == ["c.csv", "r.json"])
            }
        }

        /// The server has ended the whole command, and written nothing of it.
        @Test func aKilledInsertIsNotCalledUnconfirmed() throws {
            try withDatabase(on: server) { database, folder in
                try write([["_id": 1, "v": 1]], database, folder)
                let admin = try server.directClient()
                func hang(_ mode: Value) throws {
                    try admin.run(
                        [
                            "configureFailPoint": "hangDuringBatchInsert", "mode": mode,
                            "data": ["nss": .string("\(database.name).c"), "shouldCheckForInterrupt": true],
                        ], on: "admin")
                }
                try hang("alwaysOn")
                let program = try Program(importing(database, folder))
                try poll("an insert that hangs") {
                    var found: Value?
                    try admin.aggregate(
                        database: "admin",
                        pipeline: [
                            ["$currentOp": [:]],
                            [
                                "$match": [
                                    "ns": .string("\(database.name).c"), "failpointMsg": ["$exists": true],
                                ]
                            ],
                        ]
                    ).forEach { found = $0["opid"]?.copy }
                    guard let found else { return false }
                    try admin.run(["killOp": 1, "op": found], on: "admin")
                    return true
                }
                let outcome = try program.wait()
                try hang("off")
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("Interrupted, code 11601"), "\(outcome.errors)")
                #expect(!outcome.errors.contains("the server wrote"), "\(outcome.errors)")
                #expect(try database.count("c") == 0)
            }
        }
    }
}
