import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

/// Whoever reads a database that an import is writing, or has left half-written, is warned.
@Suite struct UnfinishedImportTests {
    private static let holder = "process 4021 on db1, since 2026-11-23T20:04:45.123Z"
    private static let reason = "of an import that was running or was interrupted"

    private static func running(_ name: String) -> String {
        "an import into \(name) is running (\(holder)): what is read now may be half old, half new: wait until it has ended"
    }

    private static func interrupted(_ name: String) -> String {
        "an import into \(name) was interrupted: its collections may be old, new or in part: run it again before making a backup"
    }

    /// Creates the lock of an import on another machine that was last heard of this many milliseconds ago.
    private static func putLock(_ database: TestDatabase, age: Int32) throws {
        let beat: Document = ["$subtract": ["$$NOW", .int32(age)]]
        let set: Document = [
            "owner": "somebody", "host": "db1", "processes": "elsewhere", "pid": 4021,
            "since": "2026-11-23T20:04:45.123Z", "beat": .document(beat),
        ]
        try database.run([
            "update": "__mongoferry_lock",
            "updates": [["q": ["_id": "import"], "u": .array([["$set": .document(set)]]), "upsert": true]],
        ])
    }

    /// Runs `body` with a database that has a lock of this age.
    private static func withLock(_ age: Int32, _ body: (TestDatabase, TemporaryFolder) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try putLock(database, age: age)
            defer { try? database.drop("__mongoferry_lock") }
            try body(database, folder)
        }
    }

    private static func run(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["MONGODB_URI": try testURI()])
    }

    @Test func everyCommandThatReadsTheDatabaseWarnsWhileAnImportIsRunning() throws {
        try Self.withLock(0) { database, folder in
            let file = folder.file("all.csv")
            for command in [["export", "-o", file], ["verify"], ["verify", file], ["plan"], ["discover"]] {
                let outcome = try Program.run(
                    command + ["--db", database.name, "--quiet"], environment: ["MONGODB_URI": try testURI()])
                #expect(outcome.status == 0, "\(command): \(outcome.text)")
                #expect(outcome.errors == "warning: \(Self.running(database.name))\n", "\(command)")
            }
        }
    }

    @Test(arguments: [ExportOptions.Consistency.snapshot, .collection])
    func anImportThatBeginsWhileCollectionsAreReadOneByOneIsWarnedOf(_ consistency: ExportOptions.Consistency) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            defer { try? database.drop("__mongoferry_lock") }
            let (pool, name) = (database.pool, database.name)
            let operation = OperationContext(onProgress: { progress in
                guard progress.phase == .read else { return }
                do {
                    try Self.putLock(TestDatabase(pool: pool, client: try pool.makeClient(), name: name), age: 0)
                } catch { Issue.record(error) }
            })
            var options = ExportOptions(destination: .file(path: folder.file("all.csv"), overwriting: false))
            options.consistency = consistency
            let report = try Export(try database.target, options).runBlocking(operation)
            #expect(try database.count("__mongoferry_lock") == 1)
            #expect(report.warnings == (consistency == .snapshot ? [] : [Self.running(name)]))
        }
    }

    @Test func fileAndReportsOfAnExportDuringAnImportSayWhatWasThere() throws {
        try Self.withLock(0) { database, folder in
            let report = try database.export(to: folder.file("all.csv"))
            #expect(report.warnings == [Self.running(database.name)])
            #expect(report.excluded.map(\.name) == ["__mongoferry_lock"])
            #expect(report.excluded.map(\.reason) == [Self.reason])
            #expect(report.status == .done)
            #expect(try folder.text("all.csv").contains("\"reason\":\"\(Self.reason)\""))
            #expect(report.html.contains("1 record is in the file. 1 name was left out. See the warnings."))
        }
    }

    @Test func aDryRunWarnsOfAnImportThatIsRunning() throws {
        try Self.withLock(0) { database, folder in
            try folder.write(LegacyFile.text(rows: [LegacyFile.row("customers", json: #"{"_id":1}"#)]), to: "a.csv")
            let outcome = try Self.run("import", folder.file("a.csv"), "--db", database.name, "--dry-run", "--quiet")
            #expect(
                outcome.status == 0 && outcome.errors == "warning: \(Self.running(database.name))\n", "\(outcome.text)")
        }
    }

    /// The server's clock was set back. The lock of a dead import would never end, and it is not taken over either: the
    /// import may be running.
    @Test func anImportThatWasLastHeardOfInTheFutureKeepsItsLockAndTheWayOutIsSaid() throws {
        try Self.withLock(-3_600_000) { database, folder in
            try folder.write(LegacyFile.text(rows: [LegacyFile.row("customers", json: #"{"_id":2}"#)]), to: "a.csv")
            let outcome = try Self.run("import", folder.file("a.csv"), "--db", database.name)
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(
                outcome.errors.contains(
                    "Its last sign of life lies in the future, since the server's clock was set back. If no import is running, drop the collection __mongoferry_lock of \(database.name)."
                ), "\(outcome.text)")
            #expect(try database.count("customers") == 1)
        }
    }

    @Test func whatDanglesWhileAnImportIsRunningMayComeFromThat() throws {
        try Self.withLock(0) { database, folder in
            try folder.write(
                """
                collection,data
                customers,"{""_id"":1}"
                policies,"{""_id"":1,""customerId"":2}"

                """, to: "all.csv")
            try database.insert([["_id": 1, "customerId": 2]], into: "policies")
            for file in [folder.file("all.csv"), nil] {
                let report = try Verify(
                    file: file, target: try database.target,
                    configuration: try Configuration.parse(
                        yaml: "collections: {policies: {references: {customerId: customers}}}", file: "c.yaml")
                ).runBlocking(OperationContext())
                #expect(report.danglingCount == 1)
                #expect(
                    report.nextSteps.last
                        == "Let the import end, or run it again, first: what dangles may come from that.")
            }
        }
    }

    @Test func aDatabaseThatIsBeingWrittenIsNotCalledSound() throws {
        try Self.withLock(0) { database, folder in
            let page = folder.file("r.html")
            let outcome = try Self.run("verify", "--db", database.name, "--report", page)
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(
                outcome.output.hasSuffix("\n\(database.name): no fault found; see the warning\n"), "\(outcome.text)")
            #expect(try folder.text("r.html").contains("No fault was found. See the warnings."))
        }
    }

    @Test func anImportThatHasBeenSilentForAWhileIsNotCalledEither() throws {
        try Self.withLock(20_000) { database, folder in
            let warning = try #require(try database.export(to: folder.file("all.csv")).warnings.first)
            #expect(
                warning.contains(
                    "an import into \(database.name) is running or was interrupted (\(Self.holder), silent for 2"),
                "\(warning)")
        }
    }

    @Test func anImportThatHasBeenSilentForHalfAMinuteWasInterrupted() throws {
        try Self.withLock(31_000) { database, folder in
            let report = try database.export(to: folder.file("all.csv"))
            #expect(report.warnings == [Self.interrupted(database.name)])
        }
    }

    @Test(arguments: ["__mongoferry_staging.0a1b2c3d.0", "__mongoferry_displaced.policies"])
    func whatAnImportLeftWithoutItsLockTellsThatItWasInterrupted(name: String) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([["_id": 1]], into: name)
            defer { try? database.drop(name) }
            let report = try database.export(to: folder.file("all.csv"))
            #expect(report.warnings == [Self.interrupted(database.name)])
        }
    }

    /// What it says stands nowhere else, so an import must not go on as if it said nothing.
    @Test(
        arguments: [
            ("__mongoferry_definitions", ["_id": "policies", "definition": "x"]),
            ("__mongoferry_definitions", ["_id": "policies", "definition": "x", "isOfRefused": true]),
            ("__mongoferry_definitions", ["_id": "policies", "definition": .binary(subtype: 0, [7, 0, 0, 0])]),
            ("__mongoferry_displaced", ["_id": "__mongoferry_displaced.0a1b2c3d.0", "name": 7]),
            ("__mongoferry_displaced", ["_id": "__mongoferry_displaced.0a1b2c3d.0", "name": "policies", "view": "x"]),
        ] as [(String, Document)])
    func aRecordThatCannotBeReadIsToldAndStopsAnImport(records: String, record: Document) throws {
        try withTestDatabase { database, folder in
            let file = folder.file("all.csv")
            try database.insert([["_id": 1]], into: "customers")
            try database.insert([record], into: records)
            defer { try? database.drop(records) }
            let id = try #require(record["_id"]?.string)
            let text = "the record \"\(id)\" in \(database.name).\(records) cannot be read"
            let report = try database.export(to: file)
            #expect(report.warnings.count == 1 && report.warnings[0].contains(text), "\(report.warnings)")
            #expect(report.warnings.first?.hasSuffix("Then run the command again.") == true)
            try folder.write("collection,data\ncustomers,\"{\"\"_id\"\":1}\"\n", to: "bare.csv")
            let verified = try Verify(file: folder.file("bare.csv"), target: database.target)
                .runBlocking(OperationContext())
            #expect(verified.status == .done && verified.warnings.contains { $0.contains(text) })
            for mode in [ImportOptions.Mode.merge, .replace] {
                let error = try #require(throws: FerryError.self) { try database.load(file, mode) }
                #expect(error.text.contains(text) && error.kind == .failed, "\(error)")
                #expect(!error.advice.isEmpty)
            }
            #expect(try database.documents(in: records) == [record])
        }
    }

    @Test func whatWasDisplacedForGoodIsNoUnfinishedImport() throws {
        try withTestDatabase { database, folder in
            let name = "__mongoferry_displaced.policies"
            for name in ["policies", name] { try database.insert([["_id": 1]], into: name) }
            defer { try? database.drop(name) }
            #expect(try database.export(to: folder.file("all.csv")).warnings == [])
        }
    }

    @Test func whatIsToBeRemovedForAViewIsOfAnUnfinishedImport() throws {
        try withTestDatabase { database, folder in
            let (name, records) = ("__mongoferry_displaced.0a1b2c3d.0", "__mongoferry_displaced")
            let view: Document = ["viewOn": "customers", "pipeline": []]
            for name in ["customers", name] { try database.insert([["_id": 1]], into: name) }
            try database.create("policies", view)
            try database.insert(
                [["_id": .string(name), "name": "policies", "view": .binary(subtype: 0, view.bytes)]], into: records)
            defer { for name in [name, records] { try? database.drop(name) } }
            #expect(try database.export(to: folder.file("all.csv")).warnings == [Self.interrupted(database.name)])
        }
    }

    @Test func aLockThatNobodyHoldsIsNoUnfinishedImport() throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.create("__mongoferry_lock")
            defer { try? database.drop("__mongoferry_lock") }
            #expect(try database.export(to: folder.file("all.csv")).warnings == [])
        }
    }
}

extension OwnServerTests {
    /// The same with an import that really runs, and is really killed.
    @Suite(.serialized) struct UnfinishedReplaceTests {
        let server: OwnServer

        init() throws { server = try OwnServerTests.server.get() }

        @Test func anExportBetweenTheSwapsOfAReplaceSaysWhetherThatIsRunningOrDead() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let replace = [
                    "import", file, "--uri", server.uri(), "--db", database.name, "--mode", "replace", "--yes",
                ]
                func export(_ name: String) throws -> Program.Outcome {
                    try Program.run([
                        "export", "--uri", server.uri(), "--db", database.name, "-o", folder.file(name), "--quiet",
                    ])
                }
                let pause = try FailPoint(
                    server, ["renameCollection"], mode: .skip(1), ["blockConnection": true, "blockTimeMS": 20_000])
                let program = try Program(replace)
                try pause.waitUntilEntered()
                let during = try export("during.csv")
                program.send(SIGKILL)
                #expect(try program.wait().signal == SIGKILL)
                let after = try export("after.csv")
                try pause.end()
                #expect(during.status == 0, "\(during.text)")
                #expect(
                    during.errors.hasPrefix(
                        "warning: an import into \(database.name) is running (process \(program.process) on "),
                    "\(during.errors)")
                #expect(after.status == 0, "\(after.text)")
                #expect(
                    after.errors.hasPrefix("warning: an import into \(database.name) was interrupted: "),
                    "\(after.errors)")
                let again = try Program.run(replace)
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: data.new) == [])
                #expect(try export("again.csv").errors == "")
            }
        }
    }
}
