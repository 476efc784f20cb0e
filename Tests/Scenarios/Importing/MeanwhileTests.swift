import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension BusyServerTests {
    /// What other programs do between an import's attempts at the same operation.
    @Suite(.serialized) struct MeanwhileTests {
        let server: OwnServer

        init() throws { server = try BusyServerTests.server.get() }

        func export(_ database: TestDatabase, to file: String) throws {
            let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
            try #require(outcome.status == 0, "\(outcome.text)")
        }

        func importing(_ database: TestDatabase, _ file: String, _ more: [String]) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name] + more
        }

        /// Documents that exchange values of a unique index are written in a transaction, whose commit names no
        /// collection.
        @Test func aCommitThatAKilledImportHasSentIsWaitedFor() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("k", indexes: [["key": ["u": 1], "name": "u", "unique": true]])
                let documents: [Document] = [["_id": 1, "u": "A"], ["_id": 2, "u": "B"]]
                try database.insert(documents, into: "k")
                let file = folder.file("k.csv")
                try export(database, to: file)
                try folder.write(
                    "collection,data\n"
                        + [(1, "B"), (2, "A")].map { "k,\"{\"\"_id\"\":\($0),\"\"u\"\":\"\"\($1)\"\"}\"\n" }.joined(),
                    to: "exchanged.csv")
                let pause = try FailPoint(
                    server, ["commitTransaction"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 3000])
                let program = try Program(importing(database, folder.file("exchanged.csv"), ["--no-legacy"]))
                try pause.waitUntilEntered()
                program.send(SIGKILL)
                _ = try program.wait()
                let outcome = try Program.run(importing(database, file, []))
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("waiting for what an earlier import"), "\(outcome.text)")
                #expect(Set(try database.documents(in: "k")) == Set(documents))
            }
        }

        /// Nothing is written afterwards, so no other check of the lock would notice.
        @Test(arguments: ["another import has taken the lock", "is gone: the database was dropped, or another import"])
        func aMergeWhoseRestIsEqualNoticesThatItsLockIsLost(_ reason: String) throws {
            try withDatabase(on: server) { database, folder in
                for name in ["a", "b"] { try database.insert([["_id": 1, "n": 1]], into: name) }
                let file = folder.file("all.csv")
                try export(database, to: file)
                try database.update("a", [:], ["$set": ["n": 2]])
                // Longer than the time between two heartbeats.
                let outcome = try server.hold(
                    "update", "\(database.name).a", 8000, answer: [:], of: importing(database, file, [])
                ) {
                    if reason.hasPrefix("another") {
                        try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
                    } else {
                        try database.drop("__mongoferry_lock")
                    }
                }
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains(reason), "\(outcome.errors)")
                if reason.hasPrefix("another") { try database.drop("__mongoferry_lock") }
            }
        }

        /// The document is deleted and inserted, since no update accepts it.
        @Test func aTransactionWhoseLockIsLostMeanwhileIsNotCommitted() throws {
            try withDatabase(on: server) { database, folder in
                let document: Document = ["_id": 1, "a": 1, "a": 2, "t": .timestamp(Timestamp(rawValue: 0))]
                try database.insertKeepingTimestamps(document, into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                try database.delete("c", [:])
                try database.insert([["_id": 1, "a": 3]], into: "c")
                // Longer than the time between two heartbeats.
                let outcome = try server.hold(
                    "delete", "\(database.name).c", 8000, answer: [:], of: importing(database, file, [])
                ) {
                    try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
                }
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("another import has taken the lock"), "\(outcome.errors)")
                #expect(try database.documents(in: "c") == [["_id": 1, "a": 3]])
                try database.drop("__mongoferry_lock")
            }
        }

        /// As right after an election: the first attempt was refused, and the second finds an existing collection.
        @Test(arguments: ["time series", "view", "validator"])
        func aPlainCollectionIsNotTakenForWhatWasToBeCreated(kind: String) throws {
            try withDatabase(on: server) { database, folder in
                switch kind {
                case "time series":
                    try database.create("c", ["timeseries": ["timeField": "at"]])
                    try database.run(["insert": "c", "documents": [["_id": 1, "at": .date(1000)]]])
                case "view": try database.create("c", ["viewOn": "other", "pipeline": []])
                default:
                    try database.create("c", ["validator": ["n": ["$gt": 0]]])
                    try database.insert([["_id": 1, "n": 1]], into: "c")
                }
                let new = try database.image()
                let file = folder.file("new.csv")
                try export(database, to: file)
                try database.drop("c")
                try database.insert([["_id": 2]], into: "c")
                let outcome = try server.hold(
                    "create", "\(database.name).c", answer: ["errorCode": 10107],
                    of: importing(database, file, ["--mode", "replace", "--yes", "--in-place"])
                ) {
                    try database.insert([["_id": "late", "n": -5]], into: "c")
                }
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("c: 1 document came from other programs while it was being replaced"),
                    "\(outcome.errors)")
                #expect(try database.image().differences(from: new) == [], "\(outcome.text)")
            }
        }

        @Test func aMergeStopsWhereAPlainCollectionHasComeInTheWay() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("c", ["validator": ["n": ["$gt": 0]]])
                try database.insert([["_id": 1, "n": 1]], into: "c")
                let file = folder.file("new.csv")
                try export(database, to: file)
                try database.drop("c")
                let outcome = try server.hold(
                    "create", "\(database.name).c", answer: ["errorCode": 10107], of: importing(database, file, [])
                ) {
                    try database.insert([["_id": "late", "n": -5]], into: "c")
                }
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("already exists"), "\(outcome.errors)")
                #expect(try database.documents(in: "c") == [["_id": "late", "n": -5]])
                let again = try Program.run(importing(database, file, []))
                #expect(again.status == 0 && again.errors.contains("option validator: "), "\(again.text)")
                #expect(try database.count("c") == 2)
            }
        }

        /// The answer to releasing the lock was lost, and by then the lock is the next import's.
        @Test func anotherImportsLockIsNotGivenBack() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                let outcome = try server.hold(
                    "drop", "\(database.name).__mongoferry_lock", answer: ["closeConnection": true],
                    of: importing(database, file, [])
                ) {
                    try database.run([
                        "update": "__mongoferry_lock",
                        "updates": [["q": [:], "u": ["$set": ["owner": "another import"]]]],
                    ])
                }
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.documents(in: "__mongoferry_lock").map { $0["owner"] } == ["another import"])
                try database.drop("__mongoferry_lock")
            }
        }

        @Test func aLockIsGivenBackThoughTheConnectionBreaks() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                let outcome = try server.hold(
                    "drop", "\(database.name).__mongoferry_lock", 10, answer: ["closeConnection": true],
                    of: importing(database, file, [])
                ) {}
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.names().allSatisfy { try database.documents(in: $0).count == ($0 == "c" ? 1 : 0) })
                #expect(try Program.run(importing(database, file, [])).status == 0)
                #expect(try database.names() == ["c"])
            }
        }

        @Test func aTrialThatCannotBeRemovedIsToldAndTheNextImportRemovesIt() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("c", ["validator": ["n": ["$gt": 0]]])
                let file = folder.file("c.csv")
                try export(database, to: file)
                try database.drop("c")
                let failure = try FailPoint(server, ["drop"], mode: .alwaysOn, ["errorCode": 2])
                let outcome = try Program.run(importing(database, file, []))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                let trial = try #require(
                    outcome.errors.firstMatch(of: /(\S+), in which the options were tried out/)?.1,
                    "\(outcome.errors)")
                #expect(outcome.errors.contains("Nothing was written."), "\(outcome.errors)")
                #expect(try database.names().contains(String(trial)))
                let again = try Program.run(importing(database, file, []))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.names() == ["c"])
            }
        }

        /// Documents are counted when their collection is swapped, not when the first one was.
        @Test func whatIsWrittenWhileARenameIsHeldUpIsTold() throws {
            try withDatabase(on: server) { database, folder in
                for name in ["a", "b"] { try database.insert([["_id": 1]], into: name) }
                let file = folder.file("all.csv")
                try export(database, to: file)
                let outcome = try server.hold(
                    "renameCollection", "", 1500, answer: ["errorCode": 12587],
                    of: importing(database, file, ["--mode", "replace", "--yes"])
                ) {
                    for name in ["a", "b"] { try database.insert([["_id": 2], ["_id": 3]], into: name) }
                }
                #expect(outcome.status == 2, "\(outcome.text)")
                for name in ["a", "b"] {
                    #expect(
                        outcome.errors.contains("\(name): 2 documents came from other programs"), "\(outcome.errors)")
                    #expect(try database.count(name) == 1)
                }
            }
        }

        private func createSeries(in database: TestDatabase) throws {
            try database.create("ticks", ["timeseries": ["timeField": "at"]])
        }

        private static let ticks: Document = [
            "insert": "ticks",
            "documents": .array((0..<20).map { (number: Int64) in ["_id": .int64(number), "at": .date(number)] }),
        ]

        @Test func aSeriesThatIsDroppedWhileItIsLoadedIsNotCalledComplete() throws {
            try withDatabase(on: server) { database, folder in
                try createSeries(in: database)
                try database.run(Self.ticks)
                let file = folder.file("ticks.csv")
                try export(database, to: file)
                let outcome = try server.hold(
                    "insert", "\(database.name).ticks", answer: [:],
                    of: importing(database, file, ["--mode", "replace", "--yes"])
                ) {
                    try database.drop("ticks")
                }
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("dropped or replaced by another program while it was loaded"),
                    "\(outcome.errors)")
                let again = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
                #expect(again.status == 0 && again.errors.isEmpty == false, "\(again.text)")
                #expect(try database.count("ticks") == 20)
            }
        }

        /// The time series was empty when the plan was made.
        @Test(arguments: ["merge", "insert"]) func measurementsThatAnotherImportBroughtAreKnown(mode: String) throws {
            try withDatabase(on: server) { database, folder in
                try createSeries(in: database)
                try database.run(Self.ticks)
                let file = folder.file("ticks.csv")
                try export(database, to: file)
                try database.drop("ticks")
                try createSeries(in: database)
                let outcome = try server.hold(
                    "findAndModify", "\(database.name).__mongoferry_lock", answer: [:],
                    of: importing(database, file, ["--mode", mode])
                ) {
                    try database.run(Self.ticks)
                }
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.count("ticks") == 20)
            }
        }

        /// A file without metadata does not define them, so they are to stay.
        @Test(arguments: [[], ["--in-place"]]) func indexesAndOptionsThatAreMadeMeanwhileAreNotLost(more: [String])
            throws
        {
            try withDatabase(on: server) { database, folder in
                try folder.write("collection,data\nc,\"{\"\"_id\"\":1,\"\"n\"\":1}\"\n", to: "c.csv")
                let words = importing(
                    database, folder.file("c.csv"), ["--mode", "replace", "--yes", "--no-infer"] + more)
                try database.insert([["_id": 7]], into: "c")
                let outcome = try server.hold(
                    "findAndModify", "\(database.name).__mongoferry_lock", answer: [:], of: words
                ) {
                    try database.run(["createIndexes": "c", "indexes": [["key": ["n": 1], "name": "n_1"]]])
                    try database.run(["collMod": "c", "validator": ["_id": ["$exists": true]]])
                }
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("another program has changed it since the plan was made")
                        && outcome.errors.contains("option validator, ") && outcome.errors.contains("index n_1"),
                    "\(outcome.errors)")
                let before = try database.image()
                #expect(before.collections["c"]?.documents.count == 1)
                let again = try Program.run(words)
                #expect(again.status == 0, "\(again.text)")
                let after = try database.image()
                #expect(after.collections["c"]?.indexes == before.collections["c"]?.indexes)
                #expect(after.collections["c"]?.options == before.collections["c"]?.options)
            }
        }

        @Test func anIndexThatWasRefusedIsNotForgotten() throws {
            try withDatabase(on: server) { database, folder in
                let index: Document = [
                    "key": ["a": 1], "name": "one", "unique": true, "partialFilterExpression": ["a": ["$gt": 0]],
                ]
                try database.create("c", indexes: [index])
                let before = try database.image().collections["c"]?.indexes
                func load(_ values: [Int]) throws -> Program.Outcome {
                    let rows = values.enumerated().map { #"c,"{""_id"":\#($0),""a"":\#($1)}""# }
                    try folder.write("collection,data\n" + rows.joined(separator: "\n") + "\n", to: "c.csv")
                    return try Program.run(
                        importing(
                            database, folder.file("c.csv"), ["--mode", "replace", "--in-place", "--yes", "--no-infer"]))
                }
                let refused = try load([1, 2, 2])
                #expect(refused.status == 2 && refused.errors.contains("index one"), "\(refused.text)")
                let mended = try load([1, 2, 3])
                #expect(mended.status == 0, "\(mended.text)")
                #expect(try database.image().collections["c"]?.indexes == before)
                #expect(try database.names() == ["c"])
            }
        }

        /// A refused write does not tell whose the lock is.
        @Test func aHeartbeatThatIsRefusedIsNoLostLock() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                try database.drop("c")
                let admin = try server.pool().makeClient()
                func refuseUpdates(_ mode: Value) throws {
                    try admin.run(["configureFailPoint": "failAllUpdates", "mode": mode], on: "admin")
                }
                let outcome = try server.hold(
                    "insert", "\(database.name).c", 8000, answer: [:], of: importing(database, file, [])
                ) {
                    try refuseUpdates("alwaysOn")
                    usleep(7_000_000)
                    try refuseUpdates("off")
                }
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.names() == ["c"])
            }
        }

        @Test func aRenameOfWhichNobodyKnowsIsToldAsSuch() throws {
            try withDatabase(on: server) { database, folder in
                for name in ["a", "b"] { try database.insert([["_id": 1]], into: name) }
                let file = folder.file("all.csv")
                try export(database, to: file)
                let failure = try FailPoint(
                    server, ["renameCollection"], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("New already: none. Still old: b."), "\(outcome.errors)")
                #expect(
                    outcome.errors.contains("Whether a is old or new could not be seen. Every collection is whole."),
                    "\(outcome.errors)")
                #expect(try Program.run(importing(database, file, ["--mode", "replace", "--yes"])).status == 0)
                #expect(try database.names() == ["a", "b"])
            }
        }

        @Test func anErrorBeforeTheFirstWriteSaysSo() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                let failure = try FailPoint(server, ["count"], mode: .skip(1), ["errorCode": 8])
                let outcome = try Program.run(importing(database, file, []))
                try failure.end()
                #expect(outcome.status == 1 && outcome.errors.contains("Nothing was written."), "\(outcome.text)")
            }
        }

        /// A newer server considers some bytes invalid BSON that an older one has stored, and refuses all documents of
        /// the command.
        @Test(arguments: [("insert", "a collection"), ("update", "a collection"), ("insert", "a time series")])
        func aDocumentForWhichACommandIsRefusedIsFoundAndRejected(command: String, kind: String) throws {
            try withDatabase(on: server) { database, folder in
                let isSeries = kind == "a time series"
                if isSeries { try database.create("c", ["timeseries": ["timeField": "at"]]) }
                func documents(_ text: String) -> Value {
                    .array((1...4).map { ["_id": .int32($0), "at": .date(Int64($0)), "n": .string(text)] })
                }
                try database.run(["insert": "c", "documents": documents("new")])
                let file = folder.file("c.csv")
                try export(database, to: file)
                try database.drop("c")
                if command == "update" { try database.run(["insert": "c", "documents": documents("old")]) }
                let failure = try FailPoint(
                    server, [command], mode: .times(3),
                    ["errorCode": 378, "namespace": .string("\(database.name).c")])
                let outcome = try Program.run(
                    importing(database, file, isSeries ? ["--mode", "replace", "--yes"] : []))
                try failure.end()
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(outcome.errors.contains(", c, _id 1: Failing command"), "\(outcome.errors)")
                let new = try database.documents(in: "c").filter { $0["n"]?.string == "new" }
                #expect(Set(new.compactMap { $0["_id"]?.integer }) == [2, 3, 4], "\(outcome.errors)")
            }
        }

        /// What a server considers invalid BSON, it also refuses in a query: the rest of the batch is still found.
        @Test func aQuestionThatIsRefusedForOneOfItsValuesIsAskedForTheOthers() throws {
            try withDatabase(on: server) { database, folder in
                func documents(_ numbers: ClosedRange<Int32>, _ text: String) -> Value {
                    .array(numbers.map { ["_id": .int32($0), "n": .string(text)] })
                }
                try database.run(["insert": "c", "documents": documents(1...4, "new")])
                let file = folder.file("c.csv")
                try export(database, to: file)
                try database.drop("c")
                try database.run(["insert": "c", "documents": documents(1...3, "old")])
                let failure = try FailPoint(
                    server, ["find"], mode: .times(3),
                    ["errorCode": 378, "namespace": .string("\(database.name).c")])
                let outcome = try Program.run(importing(database, file, ["--mode", "insert"]))
                #expect(try failure.off() == 3)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.documents(in: "c").map { $0["n"]?.string } == ["old", "old", "old", "new"])
            }
        }
    }
}
