import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension FaultServerTests {
    /// Others create, drop and replace collections, or remove and reinsert documents, while an export runs.
    @Suite(.serialized) struct ChangingCatalogTests {
        let server: OwnServer

        init() throws { server = try FaultServerTests.server.get() }

        private func exporting(_ database: TestDatabase, to file: String, _ more: [String] = []) -> [String] {
            ["export", "--uri", server.uri(), "--db", database.name, "-o", file] + more
        }

        private func check(_ file: String, against database: TestDatabase) throws {
            let verify = try Program.run(["verify", file, "--uri", server.uri(), "--db", database.name])
            #expect(verify.status == 0, "\(verify.text)")
        }

        /// The documents are removed after a reference is read and before its target is looked up.
        @Test(arguments: [false, true]) func whatIsRemovedWithItsReferencesLeavesNoneDangling(stays: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<20).map { ["_id": .int32($0)] }, into: "customers")
                let policies: [Document] = (0..<20).flatMap { number in
                    [["_id": .int32(number), "customerId": .int32(number % 10)]]
                }
                try database.insert(policies, into: "policies")
                try folder.write(
                    "collections: {policies: {references: {customerId: customers}}, customers: {}}\n", to: "c.yaml")
                let pause = try FailPoint(
                    server, ["find"], mode: .times(1),
                    ["blockConnection": true, "blockTimeMS": 2000, "namespace": .string("\(database.name).customers")])
                let program = try Program([
                    "verify", "--uri", server.uri(), "--db", database.name, "--config", folder.file("c.yaml"),
                    "--report",
                    folder.file("r.json"),
                ])
                try pause.waitUntilEntered()
                try database.delete("policies", ["customerId": 3, "_id": ["$gte": stays ? 10 : 0]])
                try database.delete("customers", ["_id": 3])
                try database.run([
                    "update": "policies", "updates": [["q": ["_id": 4], "u": ["$set": ["customerId": 5]]]],
                ])
                let outcome = try program.wait()
                try #expect(pause.off() == 1)
                #expect(outcome.status == (stays ? 2 : 0), "\(outcome.text)")
                let report = try JSONValue(folder.text("r.json"))
                #expect(report["dangling"] == .number(stays ? 1 : 0))
                #expect(
                    report["references"]?.array.first?["examples"]?.array.map { $0["_id"] }
                        == (stays ? [.number(3)] : []))
            }
        }

        /// Otherwise documents of one collection would be in the file with options of the other, and some be missing.
        @Test func whatChangesWhileReferencesAreFoundIsInTheFileAsItIsThen() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<100).map { ["_id": .int32($0)] }, into: "customers")
                try database.insert(
                    (0..<100).map { ["_id": .int32($0), "customerId": .int32($0)] }, into: "policies")
                for (name, validator) in [("y", ["old": true] as Document), ("next", ["old": false])] {
                    try database.create(name, ["validator": .document(validator)])
                    try database.insert((0..<50).map { ["_id": .int32($0), "old": .bool(name == "y")] }, into: name)
                }
                let pause = try FailPoint(
                    server, ["find"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
                let file = folder.file("all.csv")
                let program = try Program(exporting(database, to: file))
                try pause.waitUntilEntered()
                try database.insert([["_id": 1], ["_id": 2]], into: "born")
                try database.client.run(
                    [
                        "renameCollection": .string(database.name + ".next"), "to": .string(database.name + ".y"),
                        "dropTarget": true,
                    ], on: "admin")
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 0, "\(outcome.text)")
                let metadata = try #require(try BackupReader(OpenFile(reading: file)).metadata)
                #expect(metadata.collections.map(\.name).sorted() == ["born", "customers", "policies", "y"])
                let options = metadata.collections.first { $0.name == "y" }?.options
                #expect(options?["validator"] == ["old": false])
                try check(file, against: database)
            }
        }

        @Test(arguments: ["index", "create", "drop"])
        func whatOneChangeMakesWhileReferencesAreFoundIsInTheFile(_ change: String) throws {
            try withDatabase(on: server) { database, folder in
                for name in ["c", "d"] { try database.insert((0..<100).map { ["_id": .int32($0)] }, into: name) }
                let pause = try FailPoint(
                    server, ["find"], mode: .times(1),
                    ["blockConnection": true, "blockTimeMS": 1200, "namespace": .string("\(database.name).c")])
                let file = folder.file("all.csv")
                let program = try Program(exporting(database, to: file))
                try pause.waitUntilEntered()
                switch change {
                case "index": try database.run(["createIndexes": "c", "indexes": [["key": ["n": 1], "name": "n"]]])
                case "create": try database.insert([["_id": 1]], into: "born")
                default: try database.drop("d")
                }
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                let found = try #require(try BackupReader(OpenFile(reading: file)).metadata).collections
                #expect(try found.map(\.name).sorted() == database.names())
                let indexes = try database.client.listIndexes(of: database.namespace("c"))
                #expect(found.first { $0.name == "c" }.map { Set($0.indexes) } == Set(indexes))
            }
        }

        /// So soon that the indexes still count as fresh.
        @Test func theIndexesOfACollectionThatIsMadeAnewWhileReferencesAreFoundAreInTheFile() throws {
            try withDatabase(on: server) { database, folder in
                func make(_ index: String) throws {
                    try database.create("c", indexes: [["key": ["n": 1], "name": .string(index)]])
                    try database.insert((0..<100).map { ["_id": .int32($0)] }, into: "c")
                }
                try make("old")
                let pause = try FailPoint(
                    server, ["find"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 800])
                let file = folder.file("all.csv")
                let program = try Program(exporting(database, to: file))
                try pause.waitUntilEntered()
                try database.drop("c")
                try make("new")
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                let metadata = try #require(try BackupReader(OpenFile(reading: file)).metadata)
                let indexes = try database.client.listIndexes(of: database.namespace("c"))
                #expect(metadata.collections.map { Set($0.indexes) } == [Set(indexes)])
            }
        }

        private func fillTwo(_ database: TestDatabase, bytes: Int) throws {
            let filling = String(repeating: "x", count: bytes)
            let documents = (0..<900).map { ["_id": .int32($0), "x": .string(filling)] as Document }
            try database.insert(documents, into: "going")
            try database.insert(documents, into: "staying")
        }

        private func holdingNextBatch(of collection: String, in database: TestDatabase) throws -> FailPoint {
            try FailPoint(
                server, ["getMore"], mode: .times(1),
                ["blockConnection": true, "blockTimeMS": 2000, "namespace": .string("\(database.name).\(collection)")])
        }

        @Test(arguments: ["export", "verify", "discover"]) func whatIsDroppedWhileReferencesAreFound(command: String)
            throws
        {
            try withDatabase(on: server) { database, folder in
                // A sample arrives in batches of 4 MB.
                try fillTwo(database, bytes: 8000)
                let file = folder.file("all.csv")
                let pause = try holdingNextBatch(of: "going", in: database)
                let program = try Program(
                    command == "export"
                        ? exporting(database, to: file) : [command, "--uri", server.uri(), "--db", database.name])
                try pause.waitUntilEntered()
                try database.drop("going")
                let outcome = try program.wait()
                try #expect(pause.off() == 1)
                if command == "export" {
                    #expect(outcome.status == 0 && outcome.output.contains("900 records"), "\(outcome.text)")
                    try check(file, against: database)
                } else {
                    #expect(outcome.status == 1, "\(outcome.text)")
                    #expect(outcome.errors.contains("Run the command again."), "\(outcome.errors)")
                }
            }
        }

        @Test func whatIsDroppedWhileItIsReadStopsTheExportWithTheReason() throws {
            try withDatabase(on: server) { database, folder in
                // More than one batch, however distant the server seems on a busy machine.
                try fillTwo(database, bytes: 24_000)
                try folder.write("collections: {going: {}, staying: {references: {nothing: going}}}\n", to: "c.yaml")
                let pause = try holdingNextBatch(of: "going", in: database)
                let program = try Program(
                    exporting(database, to: folder.file("all.csv"), ["--config", folder.file("c.yaml")]))
                try pause.waitUntilEntered()
                try database.drop("going")
                let outcome = try program.wait()
                try #expect(pause.off() == 1)
                #expect(outcome.status == 1, "\(outcome.text)")
                for text in [
                    "dropped, renamed or replaced while the export ran", "Run the export again.",
                    "Nothing was left behind",
                ] {
                    #expect(outcome.errors.contains(text), "\(outcome.errors)")
                }
                #expect(try folder.names() == ["c.yaml"])
            }
        }

        /// The collection remains the same one.
        @Test func optionsThatChangeWhileReferencesAreFoundAreInTheFileAsTheyAreThen() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("c", ["validator": ["old": true]])
                try database.insert((0..<100).map { ["_id": .int32($0), "old": true] }, into: "c")
                let pause = try FailPoint(
                    server, ["find"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
                let file = folder.file("all.csv")
                let program = try Program(exporting(database, to: file))
                try pause.waitUntilEntered()
                try database.run(["collMod": "c", "validator": ["old": false]])
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 0, "\(outcome.text)")
                let metadata = try #require(try BackupReader(OpenFile(reading: file)).metadata)
                #expect(metadata.collections.first?.options["validator"] == ["old": false])
            }
        }

        /// Reading a collection in its own order returns a document that is inserted again a second time, as a new one.
        @Test(arguments: [[:], ["collation": ["locale": "en", "strength": 2]]] as [Document])
        func aDocumentThatIsRemovedAndInsertedAgainIsInTheFileOnce(options: Document) throws {
            try withDatabase(on: server) { database, folder in
                try database.create("customers", options)
                // More than one batch, however distant the server seems on a busy machine.
                let filling = String(repeating: "x", count: 1900)
                let documents = (0..<6000).map { ["_id": .int32($0), "x": .string(filling)] as Document }
                try database.insert(documents, into: "customers")
                let pause = try FailPoint(
                    server, ["getMore"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
                let file = folder.file("all.csv")
                let program = try Program(exporting(database, to: file, ["--consistency", "none"]))
                try pause.waitUntilEntered()
                try database.delete("customers", ["_id": 5])
                try database.insert([documents[5]], into: "customers")
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 0 && outcome.output.contains("6,000 records"), "\(outcome.text)")
                try check(file, against: database)
            }
        }

        /// Before MongoDB 7.0, the snapshot of a dropped collection shows what a view that has taken its name shows.
        @Test func aViewThatTakesAnExportedCollectionsNameIsNotTakenForIt() throws {
            try withDatabase(on: server) { database, folder in
                // More than one batch, however distant the server seems on a busy machine.
                let filling = String(repeating: "x", count: 1900)
                try database.insert(
                    (0..<6000).map { ["_id": .int32($0), "x": .string(filling)] as Document }, into: "a")
                for name in ["y", "z"] {
                    try database.insert((0..<50).map { ["_id": .int32($0), "of": .string(name)] }, into: name)
                }
                let pause = try FailPoint(
                    server, ["getMore"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
                let file = folder.file("all.csv")
                let program = try Program(exporting(database, to: file, ["--jobs", "1"]))
                try pause.waitUntilEntered()
                try database.drop("y")
                try database.create("y", ["viewOn": "z", "pipeline": []])
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("y was dropped or renamed while the export ran"), "\(outcome.errors)")
                #expect(!FileManager.default.fileExists(atPath: file))
            }
        }

        /// Such a build may still fail, and would then fail in an import of the file, too.
        @Test func anIndexThatIsStillBeingBuiltIsInTheFileAndThatIsSaid() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<10).map { ["_id": .int32($0), "u": .int32($0)] }, into: "a")
                let (pool, name) = (database.pool, database.name)
                let admin = try server.directClient()
                func hang(_ mode: Value) throws {
                    try admin.run(["configureFailPoint": "hangAfterStartingIndexBuild", "mode": mode], on: "admin")
                }
                try hang("alwaysOn")
                defer { try? hang("off") }
                let thread = Thread {
                    do {
                        try pool.makeClient().run(
                            [
                                "createIndexes": "a",
                                "indexes": [["key": ["u": 1], "name": "u_1", "unique": true]],
                            ], on: name)
                    } catch { Issue.record(error) }
                }
                thread.start()
                try poll("an index build") {
                    try database.client.listIndexesAndBuilds(of: database.namespace("a")).building.count == 1
                }
                // This moves the majority commit point, and with it a snapshot's time, past the start of the build.
                try database.run(["insert": "b", "documents": [["_id": 1]]])
                let file = folder.file("all.csv")
                let outcome = try Program.run(exporting(database, to: file))
                let bare = try Program.run(exporting(database, to: folder.file("bare.csv"), ["--plain"]))
                try hang("off")
                try poll("the end of the build") { thread.isFinished }
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("a: the server is still building index u_1"), "\(outcome.errors)")
                // A file without metadata has no indexes.
                #expect(bare.status == 0 && !bare.errors.contains("is still building"), "\(bare.text)")
                let metadata = try #require(try BackupReader(OpenFile(reading: file)).metadata)
                let indexes = metadata.collections.first { $0.name == "a" }?.indexes ?? []
                let built = try database.client.listIndexes(of: database.namespace("a"))
                #expect(Set(indexes) == Set(built))
                try check(file, against: database)
            }
        }

        /// The collection belongs to an aggregation that is still running; afterwards it has another name.
        @Test func whatTheServerHasForATimeIsLeftOutAndThatIsSaid() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "customers")
                let (pool, name) = (database.pool, database.name)
                let waiting = "outWaitAfterTempCollectionCreation"
                try server.directClient().run(
                    ["configureFailPoint": .string(waiting), "mode": "alwaysOn"], on: "admin")
                let thread = Thread {
                    do {
                        try pool.makeClient().run(
                            [
                                "aggregate": "customers", "pipeline": [["$out": "result"]], "cursor": [:],
                            ], on: name)
                    } catch { Issue.record(error) }
                }
                thread.start()
                defer {
                    _ = try? server.directClient().run(
                        ["configureFailPoint": .string(waiting), "mode": "off"], on: "admin")
                }
                try poll("the temporary collection") {
                    try database.client.listCollections(in: name).contains { $0.name.hasPrefix("tmp.agg_out") }
                }
                let outcome = try Program.run(exporting(database, to: folder.file("all.csv")))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.output.contains("(a temporary collection of the server's)"), "\(outcome.text)")
                let lines = try folder.text("all.csv").split(separator: "\n")
                #expect(!lines.contains { $0.hasPrefix("tmp.agg_out") })
                let records = try #require(lines.first { $0.hasPrefix("# records") })
                #expect(records == "# records 1: customers 1")
                try server.directClient().run(["configureFailPoint": .string(waiting), "mode": "off"], on: "admin")
                try poll("the end of the aggregation") { thread.isFinished }
            }
        }
    }
}
