import BSON
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

extension OwnServerTests {
    /// `kill -9` and Ctrl-C at any moment.
    @Suite(.serialized) struct CrashTests {
        let server: OwnServer

        init() throws { server = try OwnServerTests.server.get() }

        private func replace(_ database: TestDatabase, _ file: String, _ more: [String] = []) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", "replace", "--yes"] + more
        }

        /// A command at which the import is stopped, and the number of such commands that pass before.
        static let moments: [(command: String, before: Int32)] = [
            ("create", 2), ("insert", 0), ("insert", 2), ("createIndexes", 1),
            ("renameCollection", 0), ("renameCollection", 1), ("renameCollection", 2), ("drop", 0), ("collMod", 0),
        ]

        @Test(arguments: moments)
        func aReplaceThatIsKilledLeavesEveryCollectionWholeAndIsFinishedByTheNext(command: String, before: Int32) throws
        {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, [command], mode: .skip(before),
                    ["blockConnection": true, "blockTimeMS": 500])
                let program = try Program(replace(database, file))
                try pause.waitUntilEntered()
                program.send(SIGKILL)
                #expect(try program.wait().signal == SIGKILL)
                let swapped = try data.newOnes(in: database)
                if !["renameCollection", "drop", "collMod"].contains(command) { #expect(swapped == []) }
                #expect(try database.names().contains("owed"), "the view is there at every moment")
                try pause.end()

                let again = try Program.run(replace(database, file))
                #expect(again.status == 0, "\(again.text)")
                #expect(again.errors.contains("an earlier import was interrupted"), "\(again.errors)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        @Test func aReplaceThatIsKilledAtRandomMomentsIsAlwaysFinishedByTheNext() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri(), count: 1000)
                let seed = UInt64.random(in: 0 ... .max)
                var random = SeededGenerator(seed: seed)
                var halves = 0
                for round in 0..<12 {
                    let program = try Program(replace(database, file, ["--quiet"]))
                    // In every other round, the import is already writing, however long the machine takes to get there.
                    if round % 2 == 0 { try poll("the lock") { try database.names().contains("__mongoferry_lock") } }
                    usleep(UInt32.random(in: 0..<(round % 2 == 0 ? 100_000 : 400_000), using: &random))
                    program.send(SIGKILL)
                    _ = try program.wait()
                    _ = try data.newOnes(in: database)
                    if try database.names().contains(where: { $0.hasPrefix("__mongoferry") }) { halves += 1 }
                }
                #expect(halves > 0, "seed \(seed): none was killed while it wrote")
                let last = try Program.run(replace(database, file))
                #expect(last.status == 0, "seed \(seed): \(last.text)")
                #expect(try database.image().differences(from: data.new) == [], "seed \(seed)")
            }
        }

        /// What cannot be renamed, or must not be staged, is missing for a while; the next run recreates it.
        @Test(arguments: ["time series", "in place"], ["insert", "create", "createIndexes"])
        func aReplaceInPlaceThatIsKilledIsMadeAnewByTheNext(kind: String, command: String) throws {
            try withDatabase(on: server) { database, folder in
                let isSeries = kind == "time series"
                try database.create(
                    "c", isSeries ? ["timeseries": ["timeField": "at"]] : [:],
                    indexes: [["key": ["n": 1, "at": 1], "name": "n"]])
                try database.run([
                    "insert": "c",
                    "documents": .array(
                        (0..<500).map { ["_id": .int32($0), "at": .date(Int64($0) * 1000), "n": .int32($0)] }),
                ])
                let expected = try database.image()
                let file = folder.file("c.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                #expect(export.status == 0, "\(export.text)")
                // Only on `c`, not on the collection in which the definition is tried.
                let pause = try FailPoint(
                    server, [command], mode: .skip(0),
                    [
                        "blockConnection": true, "blockTimeMS": 500, "namespace": .string("\(database.name).c"),
                    ])
                let words = replace(database, file, isSeries ? [] : ["--in-place"])
                let program = try Program(words)
                try pause.waitUntilEntered()
                program.send(SIGKILL)
                _ = try program.wait()
                try pause.end()
                let again = try Program.run(words)
                #expect(again.status == 0, "\(again.text)")
                #expect(again.errors.contains("an earlier import was interrupted"), "\(again.errors)")
                // The buckets of a time series do not preserve the order of fields.
                let differences = Self.inOrderOfNames(try database.image())
                    .differences(from: Self.inOrderOfNames(expected))
                #expect(differences == [], "\(differences) \(again.text)")
            }
        }

        private static func inOrderOfNames(_ image: DatabaseImage) -> DatabaseImage {
            DatabaseImage(
                collections: image.collections.mapValues { collection in
                    var sorted = collection
                    sorted.documents = collection.documents.map { document in
                        Document {
                            for (key, value) in document.elements.sorted(by: { $0.key < $1.key }) {
                                $0.append(key, value)
                            }
                        }
                    }.sorted(by: DatabaseImage.byBytes)
                    return sorted
                })
        }

        /// The next import may be of something else: the killed one's leftovers do not concern it, and are removed.
        @Test(arguments: [("insert", Int32(2)), ("renameCollection", 1)])
        func anImportOfAnotherFileAfterAKillLeavesNoLitter(command: String, before: Int32) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1, "n": "other"]], into: "other")
                let other = folder.file("other.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", other])
                #expect(export.status == 0, "\(export.text)")
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                for mode in ["merge", "replace", "insert"] {
                    try FaultData.fill(database, generation: "old", count: 207)
                    let pause = try FailPoint(
                        server, [command], mode: .skip(before), ["blockConnection": true, "blockTimeMS": 500])
                    let program = try Program(replace(database, file))
                    try pause.waitUntilEntered()
                    program.send(SIGKILL)
                    _ = try program.wait()
                    try pause.end()
                    let swapped = try data.newOnes(in: database)
                    let next = try Program.run([
                        "import", other, "--uri", server.uri(), "--db", database.name, "--mode", mode, "--yes",
                    ])
                    #expect(next.status == 0, "\(next.text)")
                    #expect(next.errors.contains("an earlier import was interrupted"), "\(next.errors)")
                    // What the server was still doing for the killed import may have been completed meanwhile.
                    #expect(try data.newOnes(in: database).isSuperset(of: swapped))
                    #expect(try database.documents(in: "other") == [["_id": 1, "n": "other"]])
                    #expect(try !database.names().contains { $0.hasPrefix("__mongoferry") })
                }
            }
        }

        /// A process that was stopped for a minute resumes and finds that somebody else has imported meanwhile.
        @Test(arguments: ["createIndexes", "renameCollection"])
        func anImportWhoseLockWasTakenOverMeanwhileChangesNothing(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try FaultData.fill(database, generation: "third", count: 150)
                let third = try database.image()
                let other = folder.file("third.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", other])
                #expect(export.status == 0)
                try FaultData.fill(database, generation: "old", count: 207)
                let pause = try FailPoint(
                    server, [command], mode: .times(1), ["blockConnection": true, "blockTimeMS": 3000],
                    appName: "first")
                let first = try Program(
                    [
                        "import", file, "--uri", server.uri("", "appName=first"), "--db", database.name, "--mode",
                        "replace",
                    ]
                        + ["--yes"])
                try pause.waitUntilEntered()
                first.send(SIGSTOP)
                try database.run([
                    "update": "__mongoferry_lock",
                    "updates": [["q": [:], "u": [["$set": ["beat": ["$subtract": ["$$NOW", 60_000]]]]]]],
                ])
                let second = try Program.run(replace(database, other))
                #expect(second.status == 0, "\(second.text)")
                #expect(second.errors.contains("an earlier import was interrupted"), "\(second.errors)")
                usleep(3_200_000)
                first.send(SIGCONT)
                let outcome = try first.wait()
                try pause.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(try database.image().differences(from: third) == [], "\(outcome.text)")
                _ = data
            }
        }

        /// The import no longer writes what it was about to, be it a batch that was looked up before, or an index.
        @Test func aMergeWhoseLockWasTakenOverMeanwhileChangesNothing() throws {
            try withDatabase(on: server) { looking, folder in
                try withDatabase(on: server) { building, other in
                    try withDatabase(on: server) { measuring, third in
                        let sleepers = [
                            try SleepingImport(server, looking, folder, command: "find", mode: "insert"),
                            try SleepingImport(server, building, other, command: "createIndexes", mode: "merge"),
                            try SleepingImport(
                                server, measuring, third, command: "find", mode: "merge", isOfSeries: true),
                        ]
                        // Longer than a lock is trusted without asking.
                        usleep(21_000_000)
                        for sleeper in sleepers {
                            let outcome = try sleeper.wake()
                            #expect(outcome.status == 1, "\(outcome.text)")
                            #expect(outcome.errors.contains("another import has taken the lock"), "\(outcome.errors)")
                            #expect(try sleeper.changes == [], "\(outcome.text)")
                        }
                    }
                }
            }
        }

        /// When a connection breaks, a collection that cannot be swapped is dropped and loaded again, but not one that
        /// another import has loaded meanwhile.
        @Test(arguments: ["insert", "drop"])
        func anImportWhoseLockWasTakenOverDropsNothingWhenItsConnectionBreaks(command: String) throws {
            try withDatabase(on: server) { database, folder in
                try database.create("ticks", ["timeseries": ["timeField": "at"]])
                let ticks = (0..<50).map { (number: Int64) -> Value in ["_id": .int64(number), "at": .date(number)] }
                try database.run(["insert": "ticks", "documents": .array(ticks)])
                let file = folder.file("ticks.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                #expect(export.status == 0)
                let pause = try FailPoint(
                    server, [command], mode: .times(1),
                    [
                        "blockConnection": true, "blockTimeMS": 3000, "closeConnection": true,
                        "namespace": .string("\(database.name).ticks"),
                    ], appName: "first")
                let words = ["import", file, "--db", database.name, "--mode", "replace", "--yes"]
                let first = try Program(words + ["--uri", server.uri("", "appName=first")])
                try pause.waitUntilEntered()
                first.send(SIGSTOP)
                try database.run([
                    "update": "__mongoferry_lock",
                    "updates": [["q": [:], "u": [["$set": ["beat": ["$subtract": ["$$NOW", 60_000]]]]]]],
                ])
                let second = try Program.run(words + ["--uri", server.uri()])
                #expect(second.status == 0, "\(second.text)")
                first.send(SIGCONT)
                let outcome = try first.wait()
                try pause.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("another import has taken the lock"), "\(outcome.errors)")
                #expect(try database.count("ticks") == 50)
            }
        }

        /// By the time the answer arrives that says that the lock is this import's, the lock belongs to another.
        @Test func anImportThatHearsLateOfItsLockChangesNothing() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let admin = try server.pool().makeClient()
                func hold(_ mode: Value) throws {
                    try admin.run(
                        [
                            "configureFailPoint": "waitAfterCommandFinishesExecution", "mode": mode,
                            "data": ["commands": ["findAndModify"]],
                        ], on: "admin")
                }
                try hold("alwaysOn")
                defer { try? hold("off") }
                let program = try Program(["import", file, "--uri", server.uri(), "--db", database.name])
                try poll("the lock") { try !database.documents(in: "__mongoferry_lock").isEmpty }
                try database.run([
                    "update": "__mongoferry_lock",
                    "updates": [["q": [:], "u": ["$set": ["owner": "another import"]]]],
                ])
                // Longer than a lock is trusted without asking.
                usleep(21_500_000)
                try hold("off")
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("another import has taken the lock"), "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == [])
                #expect(try database.documents(in: "__mongoferry_lock").count == 1)
                try database.drop("__mongoferry_lock")
            }
        }

        @Test(arguments: ["insert", "update", "createIndexes"])
        func aMergeThatIsKilledIsCompletedByARerun(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                for name in FaultData.collections { try database.delete(name, ["_id": ["$gte": 100]]) }
                try database.run(["dropIndexes": "customers", "index": "name_1"])
                let pause = try FailPoint(
                    server, [command], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 500])
                let arguments = ["import", file, "--uri", server.uri(), "--db", database.name]
                let program = try Program(arguments)
                try pause.waitUntilEntered()
                program.send(SIGKILL)
                #expect(try program.wait().signal == SIGKILL)
                try pause.end()
                let again = try Program.run(arguments)
                #expect(again.status == 0, "\(again.text)")
                let image = try database.image()
                // Documents, indexes and options.
                for name in FaultData.collections {
                    #expect(image.collections[name] == data.new.collections[name], "\(name)")
                }
            }
        }

        @Test func anExportThatIsKilledLeavesNoFileUnderItsNameAndTheNextOneWorks() throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 500)
                let file = folder.file("all.csv")
                let pause = try FailPoint(
                    server, ["find", "getMore"], mode: .skip(4), ["blockConnection": true, "blockTimeMS": 500])
                let arguments = ["export", "--uri", server.uri(), "--db", database.name, "-o", file]
                let program = try Program(arguments)
                try pause.waitUntilEntered()
                program.send(SIGKILL)
                _ = try program.wait()
                try pause.end()
                #expect(try !folder.names().contains("all.csv"))
                let again = try Program.run(arguments)
                #expect(again.status == 0, "\(again.text)")
                #expect(try folder.names() == ["all.csv"])
                #expect(try Program.run(["verify", file]).status == 0)
            }
        }

        @Test func theLockOfADeadProcessOnThisHostIsTakenOverAtOnce() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                _ = try FaultData(database, file: file, uri: server.uri())
                let dead = try Program(["--version"])
                _ = try dead.wait()
                let host = ProcessInfo.processInfo.hostName
                // The same number may be that of a living process in another container on this host.
                try putLock(database, host: host, processes: "elsewhere", process: Int(dead.process), age: 0)
                let refused = try Program.run(replace(database, file))
                #expect(refused.status == 1 && refused.errors.contains("another import"), "\(refused.text)")
                try putLock(database, host: host, processes: Self.processes, process: Int(dead.process), age: 0)
                let outcome = try Program.run(replace(database, file))
                #expect(outcome.errors.contains("an earlier import was interrupted: its lock was taken over"))
                #expect(outcome.errors.contains("run it again: its collections may be in part"))
                #expect(outcome.status == 0, "\(outcome.text)")
            }
        }

        @Test func aLockWithAProcessNumberThatNoSystemHasIsRespected() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                _ = try FaultData(database, file: file, uri: server.uri())
                let host = ProcessInfo.processInfo.hostName
                try putLock(database, host: host, processes: Self.processes, process: 5_000_000_000, age: 0)
                let outcome = try Program.run(replace(database, file))
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("is running: process 5000000000 on"), "\(outcome.errors)")
                try database.drop("__mongoferry_lock")
            }
        }

        @Test func theLockOfAnotherHostIsRespectedUntilItsHeartHasStoppedForHalfAMinute() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                try putLock(database, host: "elsewhere", process: 1, age: 20_000)
                let refused = try Program.run(replace(database, file))
                #expect(refused.status == 1)
                #expect(
                    refused.errors.contains("another import into \(database.name) is running: process 1 on elsewhere"))
                #expect(try data.newOnes(in: database) == [])
                try putLock(database, host: "elsewhere", process: 1, age: 31_000)
                let taken = try Program.run(replace(database, file))
                #expect(taken.status == 0, "\(taken.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        /// Identifies a set of process numbers as the program does.
        private static var processes: String {
            let start = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? ""
            let space = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
            return start.trimmingCharacters(in: .whitespacesAndNewlines) + " " + (space ?? "")
        }

        private func putLock(
            _ database: TestDatabase, host: String, processes: String = "", process: Int, age: Int32
        ) throws {
            let beat: Document = ["$subtract": ["$$NOW", .int32(age)]]
            let set: Document = [
                "owner": "somebody", "host": .string(host), "processes": .string(processes),
                "pid": .int64(Int64(process)), "since": "2026-11-23T20:04:45.123Z", "beat": .document(beat),
            ]
            let pipeline: Value = .array([["$set": .document(set)]])
            try database.run([
                "update": "__mongoferry_lock",
                "updates": [["q": ["_id": "import"], "u": pipeline, "upsert": true]],
            ])
        }

        @Test func aSecondImportIntoTheSameDatabaseIsRefused() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, ["renameCollection"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500],
                    appName: "first")
                let first = try Program(
                    [
                        "import", file, "--uri", server.uri("", "appName=first"), "--db", database.name, "--mode",
                        "replace", "--yes",
                    ])
                try pause.waitUntilEntered()
                let second = try Program.run(replace(database, file))
                #expect(second.status == 1, "\(second.text)")
                #expect(
                    second.errors.contains("another import into \(database.name) is running: process \(first.process)"))
                try pause.end()
                let outcome = try first.wait()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }

        @Test(arguments: ["insert", "createIndexes"])
        func anInterruptedReplaceTakesItsStagingAndItsLockAway(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let pause = try FailPoint(
                    server, [command], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 700])
                let program = try Program(replace(database, file))
                try pause.waitUntilEntered()
                program.send(SIGINT)
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 130, "\(outcome.text)")
                #expect(outcome.errors.contains("The live data were not touched."))
                #expect(try data.newOnes(in: database) == [])
                #expect(try database.image().differences(from: data.old) == [])
            }
        }

        @Test func anInterruptedMergeSaysWhatIsDone() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                _ = try FaultData(database, file: file, uri: server.uri())
                try database.delete("policies", [:])
                let pause = try FailPoint(
                    server, ["insert"], mode: .skip(0), ["blockConnection": true, "blockTimeMS": 700])
                let program = try Program(["import", file, "--uri", server.uri(), "--db", database.name])
                let outcome = try program.interrupted(at: pause)
                #expect(outcome.status == 130, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "Done: customers, policies. Begun, with no document known to be written: payments."),
                    "\(outcome.errors)")
            }
        }

        @Test func anInterruptedExportLeavesNothing() throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 500)
                let pause = try FailPoint(
                    server, ["find"], mode: .skip(3), ["blockConnection": true, "blockTimeMS": 700])
                let program = try Program([
                    "export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("all.csv"),
                ])
                let outcome = try program.interrupted(at: pause)
                #expect(outcome.status == 130 && outcome.errors.contains("interrupted"), "\(outcome.text)")
                #expect(try folder.names() == [])
            }
        }

        @Test func aSecondInterruptEndsItAtOnce() throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 10)
                let pause = try FailPoint(
                    server, ["find"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 10_000])
                let program = try Program([
                    "export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("all.csv"),
                ])
                try pause.waitUntilEntered()
                let start = ContinuousClock.now
                // Two in quick succession are one, as `timeout` makes them of one Ctrl-C.
                for signal in [SIGINT, SIGTERM] { program.send(signal) }
                try poll("both were taken") {
                    !Self.isPending(SIGINT, program.process) && !Self.isPending(SIGTERM, program.process)
                }
                usleep(300_000)
                #expect(program.catchesSignals, "it is still there")
                program.send(SIGINT)
                #expect(try program.wait().status == 130)
                #expect(start.duration(to: .now) < .seconds(8))
                try pause.end()
            }
        }

        private static func isPending(_ signal: Int32, _ process: pid_t) -> Bool {
            guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else {
                usleep(200_000)
                return false
            }
            let masks = text.split(separator: "\n").filter { $0.hasPrefix("ShdPnd:") || $0.hasPrefix("SigPnd:") }
            return masks.contains {
                (UInt64($0.split(separator: "\t").last ?? "0", radix: 16) ?? 0) & (1 << UInt64(signal - 1)) != 0
            }
        }
    }
}
