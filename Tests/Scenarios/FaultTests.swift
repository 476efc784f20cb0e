import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension OwnServerTests {
    /// Servers that fail, step down and die.
    @Suite(.serialized) struct FaultTests {
        let server: OwnServer

        init() throws { server = try OwnServer.shared() }

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
                // An insert that a majority does not confirm is no matter for a retry: see the next test.
                let commands =
                    ["create", "createIndexes", "renameCollection", "drop"] + (isUnconfirmed ? [] : ["insert"])
                for command in commands {
                    try FaultData.fill(database, generation: "old", count: 207)
                    let failure = try FailPoint(server, [command], mode: .times(1), fault)
                    let outcome = try Program.run(importing(database, file))
                    try failure.off()
                    #expect(outcome.status == 0 || outcome.status == 2, "\(command): \(outcome.text)")
                    #expect(try database.image().differences(from: data.new) == [], "\(command)")
                }
            }
        }

        @Test(arguments: ["insert", "createIndexes"])
        func aFaultThatLastsStopsAReplaceWithTheLiveDataUntouched(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(server, [command], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(importing(database, file))
                try failure.off()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == [])
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
                try failure.off()
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
                try failure.off()
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.contains("New already: customers. Still old: policies, payments."),
                    "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == ["customers"])
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0 || again.status == 2, "\(again.text)")
                #expect(try database.image().differences(from: data.new) == [])
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
                try failure.off()
                #expect(outcome.status == 0 || outcome.status == 2, "\(outcome.text)")
                #expect(
                    try database.image().collections["policies"]?.documents
                        == data.new.collections["policies"]?.documents)
            }
        }

        @Test func aMergeThatIsStoppedSaysWhatIsWrittenAndARerunCompletesIt() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try database.delete("policies", [:])
                let failure = try FailPoint(server, ["insert"], mode: .alwaysOn, ["closeConnection": true])
                let outcome = try Program.run(importing(database, file, "merge"))
                try failure.off()
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.contains("Done: customers. Written in part: policies."), "\(outcome.errors)")
                let again = try Program.run(importing(database, file, "merge"))
                #expect(again.status == 0 || again.status == 2, "\(again.text)")
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
                try failure.off()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(try folder.names() == [])
            }
        }

        @Test func aPrimaryThatStepsDownDuringAReplaceLosesNothing() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, ["createIndexes"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 400])
                let program = try Program(importing(database, file))
                try pause.waitUntilEntered()
                _ = try? pause.admin.run(["replSetStepDown": 1, "force": true], on: "admin")
                let outcome = try program.wait()
                try server.waitForPrimary()
                if outcome.status == 1 {
                    _ = try data.newOnes(in: database)
                    let again = try Program.run(importing(database, file))
                    #expect(again.status == 0 || again.status == 2, "\(again.text)")
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
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.errors)")
                try server.start()
                try server.waitForPrimary()
                #expect(try data.newOnes(in: database) == [])
                let again = try Program.run(importing(database, file))
                #expect(again.errors.contains("an earlier import was interrupted"), "\(again.errors)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }
    }
}
