import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import RandomDocuments
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension FaultServerTests {
    /// A server that belongs to no replica set: no snapshots, no transactions, no retryable writes.
    @Suite(.serialized) struct StandaloneTests {
        // Looks for idle cursors every second, not every four.
        private static let shared = Result {
            try OwnServer(["--setParameter", "clientCursorMonitorFrequencySecs=1"], isStandalone: true)
        }
        let server: OwnServer

        init() throws { server = try Self.shared.get() }

        private func run(_ words: [String], _ database: TestDatabase, _ more: [String] = []) throws -> Program.Outcome {
            try Program.run(words + ["--uri", server.uri(), "--db", database.name] + more)
        }

        @Test func anExportSaysThatThereIsNoSnapshotAndSoDoesTheFile() throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 50)
                let file = folder.file("all.csv")
                let refused = try run(["export", "-o", file, "--consistency", "snapshot"], database)
                #expect(refused.status == 1)
                #expect(refused.errors.contains("this server has no snapshots: MongoDB"), "\(refused.errors)")
                #expect(try folder.names() == [])
                let outcome = try run(["export", "-o", file], database)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("no snapshot, so writes during the export may be half in the file"))
                let metadata = try #require(try BackupReader(try OpenFile(reading: file)).metadata)
                #expect(metadata.consistency == "none" && metadata.topology == "standalone")
                #expect(metadata.snapshot == nil)
                #expect(try run(["verify", file], database).status == 0)
            }
        }

        /// Runs `body` while the server closes every cursor that is idle for a second, including those of sessions.
        private func withImpatientServer<Result>(_ body: () throws -> Result) throws -> Result {
            let admin = try server.directClient()
            // Earlier versions do so anyway.
            let keepsThoseOfSessions = try admin.serverInfo().isAtLeast(4, 4, 8)
            func setParameter(_ name: String, _ value: Value) throws {
                try admin.run((["setParameter": 1] as Document).appending(name, value), on: "admin")
            }
            func set(isImpatient: Bool) throws {
                try setParameter("cursorTimeoutMillis", isImpatient ? 1000 : 600_000)
                guard keepsThoseOfSessions else { return }
                try setParameter("enableTimeoutOfInactiveSessionCursors", .bool(isImpatient))
            }
            try set(isImpatient: true)
            defer { try? set(isImpatient: false) }
            return try body()
        }

        /// A cursor is idle while what was read ahead waits for its turn to be written.
        @Test func aCursorThatHasToWaitIsNotClosed() throws {
            try withDatabase(on: server) { database, folder in
                // More than a batch holds, even if the server is so busy that it seems distant.
                let filling = Value.string(String(repeating: "x", count: 10_000))
                for name in ["a", "b"] {
                    try database.insert((0..<1200).map { ["_id": .int32($0), "filling": filling] }, into: name)
                }
                // With configured references, the first query reads the documents to be exported.
                try folder.write("collections: {a: {references: {other: a}}}\n", to: "some.yaml")
                let file = folder.file("all.csv")
                try withImpatientServer {
                    let pause = try FailPoint(
                        server, ["getMore"], mode: .times(1),
                        [
                            "blockConnection": true, "blockTimeMS": 4000,
                            "namespace": .string("\(database.name).a"),
                        ])
                    let outcome = try run(
                        ["export", "-o", file, "--jobs", "2", "--config", folder.file("some.yaml")], database)
                    #expect(try pause.off() == 1)
                    #expect(outcome.status == 0, "\(outcome.text)")
                }
                let metadata = try #require(try BackupReader(try OpenFile(reading: file)).metadata)
                #expect(metadata.collections.map(\.records) == [1200, 1200])
            }
        }

        /// Servers do not accept all `find` options of a collection for a time series.
        @Test(arguments: [false, true]) func aTimeSeriesIsExportedAndComesBack(isReproducible: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try database.create("readings", ["timeseries": ["timeField": "at"]])
                try database.insert((0..<20).map { ["at": .date($0 * 1000), "value": .int64($0)] }, into: "readings")
                let file = folder.file("all.csv")
                let outcome = try run(["export", "-o", file] + (isReproducible ? ["--reproducible"] : []), database)
                #expect(outcome.status == 0, "\(outcome.text)")
                let metadata = try #require(try BackupReader(try OpenFile(reading: file)).metadata)
                #expect(metadata.collections.map(\.records) == [20])
                #expect(try run(["verify", file], database).status == 0)
            }
        }

        /// People's own servers may be standalone, while the tests' server is a replica set.
        @Test func aReproducibleFileIsTheSameFromEveryKindOfServer() throws {
            try withDatabase(on: server) { database, folder in
                try withTestDatabase { other, _ in
                    for target in [database, other] {
                        try target.insert((0..<20).map { ["_id": .int32($0), "n": .int32($0 % 3)] }, into: "numbers")
                    }
                    let names = ["alone.csv", "set.csv"]
                    for (name, uri, source) in [
                        (names[0], server.uri(), database.name), (names[1], try testURI(), other.name),
                    ] {
                        let outcome = try Program.run([
                            "export", "--uri", uri, "--db", source, "--reproducible", "-o", folder.file(name),
                        ])
                        #expect(outcome.status == 0, "\(outcome.text)")
                    }
                    func withoutSeal(_ name: String, _ source: String) throws -> [Substring] {
                        try folder.text(name).replacing(source, with: "x").split(separator: "\n").dropLast()
                    }
                    #expect(try withoutSeal(names[0], database.name) == withoutSeal(names[1], other.name))
                }
            }
        }

        @Test func everyModeBringsEveryDocumentBack() throws {
            try withDatabase(on: server) { database, folder in
                let seed = UInt64.random(in: 0 ... .max)
                try database.insert(FidelityTests.documents(seed: seed, count: 1000), into: "random")
                try database.create(
                    "users", ["validator": ["n": ["$type": "int"]]],
                    indexes: [["key": ["n": 1], "name": "n", "unique": true]])
                try database.insert((0..<100).map { ["_id": .string("user \($0)"), "n": .int32($0)] }, into: "users")
                try database.create("some", ["viewOn": "users", "pipeline": [["$match": ["n": 1]]]])
                let expected = try database.image()
                let file = folder.file("all.csv")
                let report = folder.file("report.json")
                #expect(try run(["export", "-o", file], database).status == 0)
                for mode in ["merge", "replace", "insert"] {
                    if mode != "replace" { for name in try database.names() { try database.drop(name) } }
                    let outcome = try run(["import", file, "--mode", mode, "--yes", "--report", report], database)
                    #expect(outcome.status == 0, "\(mode), seed \(seed): \(outcome.text)")
                    #expect(try database.image().differences(from: expected) == [], "\(mode), seed \(seed)")
                }
                let verified = try run(["verify", file], database)
                #expect(verified.status == 0, "seed \(seed): \(verified.text)")
            }
        }

        /// A document that a merge cannot write without a transaction is reported, and left as it is.
        @Test func whatOnlyATransactionCouldMergeIsRejectedWithItsReasonAndTheServerLives() throws {
            try withDatabase(on: server) { database, folder in
                let zero = Value.timestamp(Timestamp(rawValue: 0))
                for id in 1...3 {
                    try database.insertKeepingTimestamps(
                        ["_id": .int32(Int32(id)), "t": zero, "n": 1, "n": 2], into: "c")
                }
                let expected = try database.documents(in: "c")
                let file = folder.file("c.csv")
                #expect(try run(["export", "-o", file], database).status == 0)
                try database.drop("c")
                try database.insert([["_id": 1, "old": true], ["_id": 3, "old": 1, "old": 2]], into: "c")
                let merged = try run(["import", file], database)
                #expect(merged.status == 2, "\(merged.text)")
                #expect(merged.errors.contains("--mode replace can take it"), "\(merged.text)")
                #expect(
                    Set(try database.documents(in: "c")) == [
                        ["_id": 1, "old": true], expected[1], ["_id": 3, "old": 1, "old": 2],
                    ])
                #expect(try folder.text("c.csv.rejects.csv").split(separator: "\n").count == 3)
                #expect(try run(["import", file, "--mode", "replace", "--yes"], database).status == 0)
                #expect(Set(try database.documents(in: "c")) == Set(expected))
            }
        }

        /// A server that was killed may count no documents in a full collection until it is restarted in order.
        @Test func aCollectionThatAKilledServerCountsAsEmptyIsNotTakenForOne() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("c.csv")
                for name in ["a", "c"] { try database.create(name) }
                try server.directClient().run(["fsync": 1], on: "admin")
                // A write with majority is in the journal, from which the server restores it.
                try database.insert((0..<2000).map { ["_id": .int32($0)] }, into: "c")
                #expect(try run(["export", "-o", file], database).status == 0)
                try server.killNow()
                try server.start()
                try server.waitForPrimary()
                try folder.write(
                    "collection,data\nc,\"{bad\"\na,\"{\"\"_id\"\":{\"\"$numberInt\"\":\"\"1\"\"}}\"\n", to: "bad.csv")
                let replaced = try run(
                    ["import", folder.file("bad.csv"), "--mode", "replace", "--yes", "--max-rejects", "5"], database)
                #expect(replaced.status == 2, "\(replaced.text)")
                #expect(
                    replaced.errors.contains("would leave nothing of the 2,000 documents in c"), "\(replaced.errors)")
                let merged = try run(["import", file, "--report", folder.file("r.json")], database)
                #expect(merged.status == 0, "\(merged.text)")
                let counts = try JSONValue(folder.text("r.json"))["collections"]?.array.last
                #expect(counts?["unchanged"] == .number(2000) && counts?["updated"] == .number(0), "\(counts as Any)")
            }
        }

        @Test func aReplaceThatIsKilledIsFinishedByTheNext() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                for (command, before) in [("insert", Int32(1)), ("renameCollection", 1)] {
                    try FaultData.fill(database, generation: "old", count: 207)
                    let pause = try FailPoint(
                        server, [command], mode: .skip(before), ["blockConnection": true, "blockTimeMS": 500])
                    let words = [
                        "import", file, "--uri", server.uri(), "--db", database.name, "--mode", "replace", "--yes",
                    ]
                    let program = try Program(words)
                    try pause.waitUntilEntered()
                    program.send(SIGKILL)
                    _ = try program.wait()
                    try pause.end()
                    _ = try data.newOnes(in: database)
                    let again = try Program.run(words)
                    #expect(again.status == 0, "\(again.text)")
                    #expect(try database.image().differences(from: data.new) == [])
                }
            }
        }

        @Test func aConnectionThatBreaksIsToldAndARerunCompletesIt() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try database.delete("policies", [:])
                let failure = try FailPoint(server, ["insert"], mode: .times(1), ["closeConnection": true])
                let outcome = try run(["import", file], database)
                try failure.end()
                #expect(outcome.status == 1, "a write that may have been done is not repeated unasked: \(outcome.text)")
                #expect(
                    outcome.errors.contains("Begun, with no document known to be written: policies."),
                    "\(outcome.errors)")
                let again = try run(["import", file], database)
                #expect(again.status == 0, "\(again.text)")
                #expect(
                    try database.image().collections["policies"]?.documents
                        == data.new.collections["policies"]?.documents)
            }
        }
    }
}
