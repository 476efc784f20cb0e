import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

/// What an import says of its rows when something stops it.
@Suite struct CountingTests {
    @Test func whoInterruptsTheCheckOfReferencesIsToldThatRowsWereSetAside() throws {
        try withTestDatabase { database, folder in
            try folder.write(
                """
                collection,data
                customers,"{""_id"":1}"
                policies,"{""_id"":1,""customerId"":1}"
                policies,zz

                """, to: "rows.csv")
            try database.insert([["_id": 2, "customerId": 1]], into: "policies")
            var options = ImportOptions()
            options.maximumRejects = 1
            options.configuration = try Configuration.parse(
                yaml: "collections: {policies: {references: {customerId: customers}}}", file: "c.yaml")
            let cancellation = Cancellation()
            let operation = OperationContext(
                cancellation: cancellation, onProgress: { if $0.phase == .verify { cancellation.cancel() } })
            let load = Import(folder.file("rows.csv"), into: try database.target, options)
            let error = try #require(throws: FerryError.self) { try load.runBlocking(operation) }
            #expect(error.kind == .interrupted)
            #expect(error.details == ["Everything was written; its references were not checked."])
            #expect(error.report?.rejectsFile == folder.file("rows.csv.rejects.csv"))
            #expect(try folder.names().contains("rows.csv.rejects.csv"))
        }
    }
}

extension FaultServerTests {
    /// The same of what a server does not carry out or confirm.
    @Suite(.serialized) struct CountingFaultTests {
        let server: OwnServer

        init() throws { server = try FaultServerTests.server.get() }

        /// Merges rows into documents 1 and 2, which have the values `a` and `b` of a unique index.
        private func merge(
            _ rows: [(id: Int, seat: String)], _ database: TestDatabase, _ folder: TemporaryFolder
        ) throws -> (outcome: Program.Outcome, report: JSONValue) {
            let lines = rows.map { "c,\"{\"\"_id\"\":\($0.id),\"\"seat\"\":\"\"\($0.seat)\"\"}\"\n" }
            try folder.write("collection,data\n" + lines.joined(), to: "rows.csv")
            let outcome = try Program.run([
                "import", folder.file("rows.csv"), "--uri", server.uri(), "--db", database.name, "--no-legacy",
                "--report", folder.file("r.json"),
            ])
            return (outcome, try JSONValue(folder.text("r.json")))
        }

        private func withSeats(_ body: (TestDatabase, TemporaryFolder) throws -> Void) throws {
            try withDatabase(on: server) { database, folder in
                try database.create("c", indexes: [["key": ["seat": 1], "name": "seat", "unique": true]])
                try database.insert([["_id": 1, "seat": "a"], ["_id": 2, "seat": "b"]], into: "c")
                try body(database, folder)
            }
        }

        private static func counts(_ report: JSONValue) -> [JSONValue?] {
            let collection = report["collections"]?.array.first
            return ["inserted", "updated", "rejected"].map { collection?[$0] }
        }

        /// The first one alone, or both together: alone, each of them finds its value taken.
        @Test(
            arguments: [("c", 0, 1), ("a", 2, 2)] as [(String, Int32, Int)],
            [(112, "another writer holds it: "), (251, "the server ended its transaction: ")] as [(Int32, String)])
        func whatASecondAttemptCannotWriteIsRejected(
            _ rows: (second: String, skipped: Int32, rejected: Int), _ fault: (code: Int32, text: String)
        ) throws {
            try withSeats { database, folder in
                let failure = try FailPoint(
                    server, ["delete"], mode: .skip(rows.skipped),
                    [
                        "errorCode": .int32(fault.code), "errorLabels": [],
                        "namespace": .string("\(database.name).c"),
                    ])
                let (outcome, report) = try merge([(1, "b"), (2, rows.second)], database, folder)
                try failure.end(times: 1)
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(
                    Self.counts(report)
                        == [.number(0), .number(Double(2 - rows.rejected)), .number(Double(rows.rejected))])
                let reasons = report["rejectedRows"]?.array.compactMap { $0["reason"]?.string } ?? []
                #expect(
                    reasons.count == rows.rejected && reasons.allSatisfy { $0.hasPrefix(fault.text) }, "\(reasons)")
                #expect(try database.documents(in: "c", ["_id": 1]) == [["_id": 1, "seat": "a"]])
            }
        }

        /// The first one has to wait for the value that the second one gives up.
        @Test(arguments: [[], [(3, "d")]] as [[(Int, String)]])
        func whatWasWrittenBeforeASecondAttemptFailsCountsOnce(new: [(Int, String)]) throws {
            try withSeats { database, folder in
                let failure = try FailPoint(
                    server, ["commitTransaction"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let (outcome, report) = try merge([(1, "b"), (2, "c")] + new, database, folder)
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("Written in part: c."), "\(outcome.errors)")
                #expect(Self.counts(report) == [.number(Double(new.count)), .number(1), .number(0)])
            }
        }

        /// 3 is written at once, 2 by a transaction, and that of 1 is the one that fails.
        @Test func whatASecondAttemptHasWrittenBeforeItFailsIsCounted() throws {
            try withSeats { database, folder in
                try database.insert([["_id": 3, "seat": "c"]], into: "c")
                let failure = try FailPoint(
                    server, ["commitTransaction"], mode: .skip(1),
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let (outcome, report) = try merge([(1, "b"), (2, "c"), (3, "d")], database, folder)
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("Written in part: c."), "\(outcome.errors)")
                #expect(Self.counts(report) == [.number(0), .number(2), .number(0)])
                #expect(report["collections"]?.array.first?["read"] == .number(2))
                #expect(try database.documents(in: "c", ["_id": 2]) == [["_id": 2, "seat": "c"]])
            }
        }

        /// It may have been committed: neither written nor rejected would be true.
        @Test func whatACommitHasDoneThatNobodyKnowsIsNoRejection() throws {
            try withSeats { database, folder in
                let failure = try FailPoint(
                    server, ["commitTransaction"], mode: .alwaysOn,
                    ["errorCode": 50, "errorLabels": ["UnknownTransactionCommitResult"]])
                let (outcome, report) = try merge([(1, "b"), (2, "a")], database, folder)
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("MaxTimeMSExpired, code 50"), "\(outcome.errors)")
                #expect(Self.counts(report) == [.number(0), .number(0), .number(0)])
            }
        }

        /// The next import then looks for what the dead one has left.
        @Test func aLockThatWasTakenOverStaysIfNoMajorityConfirmsIt() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert(
                    [["_id": "import", "owner": "somebody", "beat": .date(0)]], into: "__mongoferry_lock")
                try folder.write("collection,data\na,\"{\"\"_id\"\":1}\"\n", to: "a.csv")
                func load() throws -> Program.Outcome {
                    try Program.run([
                        "import", folder.file("a.csv"), "--uri", server.uri(), "--db", database.name, "--no-legacy",
                    ])
                }
                let failure = try FailPoint(
                    server, ["findAndModify"], mode: .alwaysOn,
                    ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]])
                let outcome = try load()
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("no majority of the members acknowledged a write"), "\(outcome.errors)")
                #expect(try database.count("__mongoferry_lock") == 1)
                let again = try load()
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.names() == ["a"])
            }
        }

        /// Both are equal to the file's when they are compared, which takes long.
        @Test func whatIsDroppedDuringALongComparisonIsCreatedAgain() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("b", indexes: [["key": ["n": 1], "name": "n"]])
                for name in ["a", "b"] { try database.insert([["_id": 1, "n": 1]], into: name) }
                let before = try database.image()
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                let pause = try FailPoint(
                    server, ["find"], mode: .times(1),
                    ["blockConnection": true, "blockTimeMS": 2200, "namespace": .string("\(database.name).a")])
                let program = try Program(["import", file, "--uri", server.uri(), "--db", database.name])
                try pause.waitUntilEntered()
                try database.drop("b")
                let outcome = try program.wait()
                try pause.end()
                #expect(
                    outcome.errors.contains("b was dropped by another program after the plan was made"),
                    "\(outcome.text)")
                #expect(try database.image().differences(from: before) == [])
            }
        }
    }
}
