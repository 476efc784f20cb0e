import BSON
import ExtendedJSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension FaultServerTests {
    /// Servers that fail, step down and die.
    @Suite(.serialized) struct FaultTests {
        let server: OwnServer

        init() throws { server = try FaultServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ mode: String = "replace") -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", mode, "--yes"]
        }

        static let passing: [Document] = [
            ["closeConnection": true], ["errorCode": 10107],
            ["errorCode": 91, "errorLabels": ["RetryableWriteError"]],
            ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]],
        ]

        @Test(arguments: passing) func aFaultThatPassesDoesNotStopAReplace(fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let isUnconfirmed = fault["writeConcernError"] != nil
                // An insert that a majority does not acknowledge is not retried: see the next test.
                let commands =
                    ["create", "createIndexes", "renameCollection", "drop"] + (isUnconfirmed ? [] : ["insert"])
                for command in commands {
                    try FaultData.fill(database, generation: "old", count: 207)
                    let failure = try FailPoint(server, [command], mode: .times(1), fault)
                    let outcome = try Program.run(importing(database, file))
                    try failure.end()
                    #expect(outcome.status == 0, "\(command): \(outcome.text)")
                    #expect(try database.image().differences(from: data.new) == [], "\(command)")
                }
            }
        }

        /// Locks that other clients' operations hold.
        @Test(arguments: [
            ("create" as String, "customers" as String?, true), ("createIndexes", "customers", true),
            ("drop", "customers", true),
            ("create", nil, false), ("createIndexes", nil, false), ("renameCollection", nil, false),
            ("drop", "__mongoferry_lock", false), ("drop", "__mongoferry_definitions", true), ("drop", "owed", false),
        ])
        func anOperationInTheWayIsWaitedFor(command: String, collection: String?, isInPlace: Bool) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                // Only a view with another collation is dropped.
                try database.drop("owed")
                try database.create("owed", ["viewOn": "payments", "pipeline": [], "collation": ["locale": "de"]])
                var fault: Document = ["errorCode": 24]
                if let collection { fault = fault.appending("namespace", .string("\(database.name).\(collection)")) }
                let failure = try FailPoint(server, [command], mode: .times(2), fault)
                let outcome = try Program.run(importing(database, file) + (isInPlace ? ["--in-place"] : []))
                try failure.end(times: 2)
                #expect(outcome.status == 0 && !outcome.text.contains("warning"), "\(outcome.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        /// The view's collation differs, which cannot be changed.
        @Test(arguments: ["drop", "create"], passing)
        func aFaultThatPassesDoesNotStopAViewFromBeingMadeAnew(command: String, fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                let view: Document = ["viewOn": "a", "pipeline": []]
                try database.create("v", view.appending("collation", ["locale": "de"]))
                let new = try database.image()
                let file = folder.file("v.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.drop("v")
                try database.create("v", view)
                let failure = try FailPoint(
                    server, [command], mode: .times(1), fault.appending("namespace", .string("\(database.name).v")))
                let outcome = try Program.run(importing(database, file))
                try failure.end(times: 1)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        @Test(arguments: ["insert", "createIndexes"])
        func aFaultThatLastsStopsAReplaceWithTheLiveDataUntouched(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(server, [command], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == [])
            }
        }

        /// It is not a fault of the data, and something can be done about it.
        @Test(arguments: ["insert", "createIndexes"])
        func aFullDiskStopsAnImportAndSaysWhatToDo(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let report = folder.file("r.json")
                let failure = try FailPoint(server, [command], mode: .alwaysOn, ["errorCode": 14031])
                let outcome = try Program.run(importing(database, file) + ["--report", report])
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("OutOfDiskSpace, code 14031)\n"), "\(outcome.errors)")
                let json = try JSONValue(folder.text("r.json"))
                #expect(json["status"] == .string("failed"))
                let steps = json["nextSteps"]?.array.compactMap(\.string) ?? []
                #expect(
                    steps.count == 1 && steps.first?.hasPrefix("Free room on the server and run the import") == true)
                #expect(json["error"]?.string?.hasSuffix("\n  The live data were not touched.") == true)
                #expect(outcome.errors.hasSuffix("  The live data were not touched.\n  \(steps.first ?? "?")\n"))
                #expect(try data.newOnes(in: database) == [])
                try database.drop("customers")
                let merge = try Program.run(importing(database, file, "merge"))
                try failure.end()
                #expect(merge.status == 1, "\(merge.text)")
                #expect(
                    merge.errors.hasSuffix(
                        "  Free room on the server.\n  Run the import again: it goes on where this one stopped.\n"),
                    "\(merge.errors)")
            }
        }

        @Test func aWriteThatNoMajorityConfirmsStopsAReplaceBeforeTheSwap() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(
                    server, ["insert"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1 && outcome.errors.contains("majority"), "\(outcome.text)")
                #expect(try data.newOnes(in: database) == [])
            }
        }

        @Test func aSwapThatCannotGoOnSaysWhichCollectionsAreNewAndARerunFinishesIt() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(server, ["renameCollection"], mode: .skip(1), ["closeConnection": true])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.contains("New already: customers. Still old: payments, owed.")
                        && outcome.errors.contains("Whether policies is old or new could not be seen."),
                    "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == ["customers"])
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        @Test func aViewWhoseChangeGetsNoAnswerIsNotCalledOld() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                try database.create("v", ["viewOn": "a", "pipeline": [["$match": ["x": 1]]]])
                let file = folder.file("new.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.run(["collMod": "v", "viewOn": "a", "pipeline": []])
                let failure = try FailPoint(server, ["collMod"], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.contains("New already: a. Still old: none.")
                        && outcome.errors.contains("Whether v is old or new could not be seen."),
                    "\(outcome.errors)")
            }
        }

        /// It may have been carried out all the same.
        @Test(arguments: [
            ("nothing", "create", "Whether v is old or new could not be seen."),
            ("another view", "create", "The old view v is gone; whether the new one has come in its place could not"),
            ("a collection's name", "renameCollection", "The old view v is gone; whether the new one has come in its"),
        ])
        func whatTakesItsPlaceWithoutAnAnswerIsNotCalledWhole(live: String, command: String, told: String) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                let view: Document = ["viewOn": "a", "pipeline": []]
                if command == "create" {
                    try database.create("v", view)
                } else {
                    try database.insert([["_id": 2]], into: "v")
                }
                let new = try database.image()
                let file = folder.file("new.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.drop("v")
                if live != "nothing" { try database.create("v", view.appending("collation", ["locale": "de"])) }
                // As from a router that has not heard from its shard.
                var fault: Document = ["errorCode": 6, "errorLabels": ["RetryableWriteError"]]
                // Not the one that is tried out.
                if command == "create" { fault = fault.appending("namespace", .string("\(database.name).v")) }
                let failure = try FailPoint(server, [command], mode: .alwaysOn, fault)
                let outcome = try Program.run(importing(database, file) + ["-c", "v"])
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("New already: none. Still old: none."), "\(outcome.errors)")
                #expect(outcome.errors.contains(told), "\(outcome.errors)")
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        @Test func aReplaceInPlaceThatIsInterruptedBetweenTwoCollectionsLeavesTheNextAsItWas() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, ["createIndexes"], mode: .times(1),
                    [
                        "blockConnection": true, "blockTimeMS": 1500,
                        "namespace": .string("\(database.name).customers"),
                    ])
                let report = folder.file("report.json")
                let program = try Program(importing(database, file) + ["--in-place", "--report", report])
                let outcome = try program.interrupted(at: pause)
                #expect(outcome.status == 130, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("New already: customers. Still old: policies, payments, owed."),
                    "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == ["customers"])
                let collections = try JSONValue(folder.text("report.json"))["collections"]?.array ?? []
                #expect(collections.map { $0["name"] } == [.string("customers")])
            }
        }

        /// The server removes expired documents soon after the index is built, whatever the collection's name.
        @Test(arguments: [[], ["--in-place"]])
        func aReplaceOfDocumentsThatHaveExpiredSinceTheBackupIsNoFault(more: [String]) throws {
            try withDatabase(on: server) { database, folder in
                let expiring: Document = ["key": ["at": 1], "name": "at", "expireAfterSeconds": 60]
                try database.create("sessions")
                try database.create("zebras")
                try database.create(
                    "clusters", ["clusteredIndex": ["key": ["_id": 1], "unique": true], "expireAfterSeconds": 60])
                try database.insert((0..<50).map { ["_id": .int32($0), "at": .date(0)] }, into: "sessions")
                try database.insert((0..<50).map { ["_id": .int32($0)] }, into: "zebras")
                let file = folder.file("all.csv")
                let admin = try server.pool().makeClient()
                try admin.run(["setParameter": 1, "ttlMonitorEnabled": false], on: "admin")
                defer { _ = try? admin.run(["setParameter": 1, "ttlMonitorEnabled": true], on: "admin") }
                try database.run(["createIndexes": "sessions", "indexes": [.document(expiring)]])
                try database.insert((0..<50).map { ["_id": .date($0)] }, into: "clusters")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try admin.run(["setParameter": 1, "ttlMonitorEnabled": true], on: "admin")
                // The last collection takes so long that the other ones' documents could be removed meanwhile.
                let pause = try FailPoint(
                    server, ["insert"], mode: .skip(2), ["blockConnection": true, "blockTimeMS": 3000])
                let outcome = try Program.run(importing(database, file) + more)
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                let image = try database.image()
                #expect(image.collections["zebras"]?.documents.count == 50)
                #expect(image.collections["sessions"]?.indexes.contains { $0["expireAfterSeconds"] != nil } == true)
            }
        }

        @Test(arguments: ["find", "insert", "update", "findAndModify", "createIndexes"], passing.prefix(2))
        func aFaultThatPassesDoesNotStopAMerge(command: String, fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri(), count: 50)
                try database.delete("policies", [:])
                try database.run(["dropIndexes": "customers", "index": "name_1"])
                let failure = try FailPoint(server, [command], mode: .times(1), fault)
                let outcome = try Program.run(importing(database, file, "merge"))
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                let image = try database.image()
                for name in FaultData.collections {
                    let (now, new) = (image.collections[name], data.new.collections[name])
                    #expect(now?.indexes == new?.indexes && now?.options == new?.options, "\(name)")
                    let there = Set(now?.documents ?? [])
                    let isMissing = new?.documents.contains { !there.contains($0) }
                    #expect(isMissing == false, "\(name)")
                }
            }
        }

        /// The write was done, and only its answer was lost: the retry finds it done, and it counts once.
        @Test(arguments: ["insert", "update"]) func aWriteThatWasDoneBeforeItsRetryIsCountedOnce(command: String) throws
        {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                _ = try FaultData(database, file: file, uri: server.uri(), count: 50)
                try database.delete("policies", [:])
                let collection = command == "insert" ? "policies" : "customers"
                let failure = try FailPoint(
                    server, [command], mode: .times(1),
                    [
                        "writeConcernError": ["code": 91, "errmsg": "gone"], "errorLabels": ["RetryableWriteError"],
                        "namespace": .string("\(database.name).\(collection)"),
                    ])
                let outcome = try Program.run(
                    importing(database, file, "merge") + ["--report", folder.file("r.json")])
                try failure.end(times: 1)
                #expect(outcome.status == 0, "\(outcome.text)")
                let json = try JSONValue(folder.text("r.json"))
                let counts = json["collections"]?.array.map { [$0["name"], $0["inserted"], $0["updated"]] } ?? []
                #expect(counts.contains([.string("policies"), .number(100), .number(0)]), "\(counts)")
                #expect(counts.contains([.string("customers"), .number(0), .number(50)]), "\(counts)")
            }
        }

        /// Nothing is counted twice: a write that fails before it is done is done once.
        @Test(arguments: ["insert", "update"], passing.prefix(3))
        func aWriteThatIsRetriedIsCountedOnce(command: String, fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                _ = try FaultData(database, file: file, uri: server.uri(), count: 50)
                try database.delete("policies", [:])
                let report = folder.file("report.json")
                let failure = try FailPoint(server, [command], mode: .times(1), fault)
                let outcome = try Program.run(importing(database, file, "merge") + ["--report", report])
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                let json = try ExtendedJSONDecoder.document(try folder.text("report.json"))
                let entries = json["collections"]?.array?.compactMap(\.document) ?? []
                #expect(!entries.isEmpty)
                for entry in entries {
                    let name = entry["name"]?.string ?? ""
                    let counts = ["inserted", "updated", "unchanged", "rejected"].map { entry[$0]?.integer ?? -1 }
                    #expect(counts.reduce(0, +) == entry["read"]?.integer, "\(name): \(counts)")
                    #expect(
                        counts
                            == (name == "policies"
                                ? [100, 0, 0, 0] : name == "customers" ? [0, 50, 0, 0] : [0, 150, 0, 0]))
                }
            }
        }

        @Test func aMergeThatNoMajorityConfirmsIsStoppedAndSaysSo() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri(), count: 50)
                for command in ["update", "insert"] {
                    if command == "insert" { try database.delete("customers", [:]) }
                    let failure = try FailPoint(
                        server, [command], mode: .alwaysOn,
                        ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                    let outcome = try Program.run(importing(database, file, "merge"))
                    try failure.end()
                    #expect(outcome.status == 1 && outcome.errors.contains("majority"), "\(outcome.text)")
                    #expect(
                        outcome.errors.contains("Begun, with no document known to be written: customers."),
                        "\(outcome.errors)")
                }
                let again = try Program.run(importing(database, file, "merge"))
                #expect(again.status == 0, "\(again.text)")
                #expect(
                    try database.image().collections["customers"]?.documents
                        == data.new.collections["customers"]?.documents)
            }
        }

        /// It may be committed or rolled back: it must not be called written.
        @Test func aTransactionThatNoMajorityConfirmsIsAnError() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1, "n": 1, "n": 2, "$x": 1]], into: "c")
                let file = folder.file("c.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                #expect(export.status == 0)
                try database.drop("c")
                try database.insert([["_id": 1, "old": 1]], into: "c")
                let failure = try FailPoint(
                    server, ["commitTransaction"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try Program.run(importing(database, file, "merge"))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("Begun, with no document known to be written: c."), "\(outcome.errors)")
            }
        }

        /// An election or a broken connection interrupts a merge's transaction.
        @Test(
            arguments: ["delete", "insert", "commitTransaction"],
            [
                ["errorCode": 10107, "errorLabels": ["TransientTransactionError"]],
                ["closeConnection": true],
            ] as [Document])
        func aTransactionThatFailsOnceIsDoneAgain(command: String, fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                let documents: [Document] = (0..<5).map { ["_id": .int32($0), "n": 1, "n": 2, "$x": 1] }
                try database.insert(documents, into: "c")
                let file = folder.file("c.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                #expect(export.status == 0)
                try database.drop("c")
                try database.insert((0..<5).map { ["_id": .int32($0), "old": 1] }, into: "c")
                let failure = try FailPoint(server, [command], mode: .times(1), fault)
                let outcome = try Program.run(importing(database, file, "merge"))
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(Set(try database.documents(in: "c")) == Set(documents))
            }
        }

        @Test func aMergeThatIsStoppedSaysWhatIsWrittenAndARerunCompletesIt() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try database.delete("policies", [:])
                let failure = try FailPoint(server, ["insert"], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(importing(database, file, "merge"))
                try failure.end()
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.contains("Done: customers. Begun, with no document known to be written: policies."),
                    "\(outcome.errors)")
                let again = try Program.run(importing(database, file, "merge"))
                #expect(again.status == 0, "\(again.text)")
                #expect(
                    try database.image().collections["policies"]?.documents
                        == data.new.collections["policies"]?.documents)
            }
        }

        @Test(arguments: ["find", "getMore"]) func aConnectionThatBreaksWhileExportingLeavesNoFile(command: String)
            throws
        {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 10)
                let large = String(repeating: "x", count: 1 << 20)
                try database.insert((0..<40).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                let failure = try FailPoint(server, [command], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(
                    ["export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("all.csv")])
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(try folder.names() == [])
            }
        }

        private func term() throws -> Int {
            let status = try server.directClient().run(
                ["replSetGetStatus": 1], on: "admin", readPreference: .connectionString)
            return try #require(status["term"]?.integer)
        }

        @Test func aPrimaryThatStepsDownDuringAReplaceLosesNothing() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, ["createIndexes"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 400])
                let program = try Program(importing(database, file))
                let before = try term()
                try pause.waitUntilEntered()
                // This may close its own connection: the term shows whether the primary has stepped down.
                _ = try? pause.admin.run(["replSetStepDown": 1, "force": true], on: "admin")
                let outcome = try program.wait()
                try server.waitForPrimary()
                #expect(try term() > before, "it has not stepped down")
                #expect(outcome.status == 0 || outcome.status == 1, "\(outcome.text)")
                if outcome.status == 1 {
                    _ = try data.newOnes(in: database)
                    let again = try Program.run(importing(database, file))
                    #expect(again.status == 0, "\(again.text)")
                }
                #expect(try database.image().differences(from: data.new) == [], "\(outcome.text)")
            }
        }

        @Test func aServerThatIsKilledDuringAReplaceAndStartedAgainLosesNothing() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, ["insert"], mode: .skip(1), ["blockConnection": true, "blockTimeMS": 10_000])
                let program = try Program(
                    importing(database, file).map {
                        $0 == server.uri() ? server.uri("", "serverSelectionTimeoutMS=1500") : $0
                    })
                try pause.waitUntilEntered()
                try server.killNow()
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("The live data were not touched.")
                        && outcome.errors.hasSuffix("  Run the import again.\n"), "\(outcome.errors)")
                try server.start()
                try server.waitForPrimary()
                #expect(try data.newOnes(in: database) == [])
                let again = try Program.run(importing(database, file))
                #expect(again.errors.contains("an earlier import was interrupted"), "\(again.errors)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        /// After a crash, the server's own count lacks the latest documents: a dry run must tell how many there really
        /// are, since decisions are based on it.
        @Test func aDryRunCountsWhatIsThereAfterTheServerWasKilled() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("one.csv")
                try database.insert([["_id": 0]], into: "c")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try server.directClient().run(["fsync": 1], on: "admin")
                try database.insert((1..<700).map { ["_id": .int32($0)] }, into: "c")
                try server.killNow()
                try server.start()
                try server.waitForPrimary()
                #expect(try database.count("c") < 700, "the account is right, and this shows nothing")
                let outcome = try Program.run(
                    importing(database, file) + ["--dry-run", "--report", folder.file("report.json")])
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("replace, 1 record (700 there now)"), "\(outcome.errors)")
                let report = try folder.text("report.json")
                #expect(report.contains(#""deleted":699"#), "\(report)")
            }
        }
    }
}
