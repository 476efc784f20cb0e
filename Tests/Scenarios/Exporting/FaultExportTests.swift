import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension FaultServerTests {
    /// Full disks, broken pipes, slow readers and busy writers while a database is exported.
    @Suite(.serialized) struct FaultExportTests {
        let server: OwnServer

        init() throws { server = try FaultServerTests.server.get() }

        private func exporting(_ database: TestDatabase, to file: String, _ more: [String] = []) -> [String] {
            ["export", "--uri", server.uri(), "--db", database.name, "-o", file] + more
        }

        @Test(.enabled("/dev/full must be a device", { Self.isDevice("/dev/full") }))
        func aFullDiskIsAnErrorThatSaysSo() throws {
            try withDatabase(on: server) { database, _ in
                try FaultData.fill(database, generation: "new", count: 10)
                let outcome = try Program.run(exporting(database, to: "/dev/full"))
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("/dev/full: cannot write: No space left on device"), "\(outcome.text)")
                #expect(Self.isDevice("/dev/full"), "it was written to, and neither replaced nor taken away")
            }
        }

        private static func isDevice(_ path: String) -> Bool {
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
        }

        // Not less: libmongoc keeps its counters in a shared file of a few kilobytes, to which the limit applies, too.
        @Test(arguments: [16_384, 65_536]) func aFileThatMayNotGrowIsTakenAway(limit: Int) throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 500)
                let outcome = try Program.run(exporting(database, to: folder.file("all.csv")), fileSizeLimit: limit)
                #expect(outcome.status == 1, "\(outcome.text) \(outcome.signal ?? 0)")
                #expect(outcome.errors.contains("cannot write: File too large"), "\(outcome.text)")
                #expect(outcome.errors.contains("Nothing was left behind under the file's name."), "\(outcome.text)")
                #expect(try folder.names() == [])
            }
        }

        @Test func aReaderThatGoesAwayIsAnErrorAndNoSignal() throws {
            try withDatabase(on: server) { database, _ in
                let large = String(repeating: "x", count: 1 << 20)
                try database.insert((0..<8).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                let (reading, writing) = try OwnDescriptors.newPipe()
                let program = try Program(exporting(database, to: "-"), output: writing)
                close(writing)
                var some = [UInt8](repeating: 0, count: 100)
                #expect(read(reading, &some, some.count) == 100)
                close(reading)
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("standard output: cannot write: Broken pipe"), "\(outcome.errors)")
            }
        }

        /// Servers before 7.0 report the snapshot of a dropped collection as empty.
        @Test(arguments: ["drop", "rename", "make anew"])
        func aCollectionThatGoesAwayMeanwhileIsNoEmptyOne(_ change: String) throws {
            try withDatabase(on: server) { database, folder in
                for name in ["a", "b", "z"] {
                    try database.insert((0..<100).map { ["_id": .int32($0)] }, into: name)
                }
                let pause = try FailPoint(
                    server, ["find"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1500])
                // With configured references, the first query reads the documents to be exported.
                try folder.write("collections: {a: {references: {other: a}}}\n", to: "some.yaml")
                let program = try Program(
                    exporting(database, to: folder.file("all.csv"), ["--config", folder.file("some.yaml")]))
                try pause.waitUntilEntered()
                if change == "rename" {
                    let to = database.name + ".renamed"
                    try database.client.run(
                        ["renameCollection": .string(database.name + ".z"), "to": .string(to)], on: "admin")
                } else {
                    try database.drop("z")
                    if change == "make anew" { try database.insert([["_id": 1]], into: "z") }
                }
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("while the export ran"), "\(outcome.text)")
                #expect(try folder.names() == ["some.yaml"])
            }
        }

        /// The options and indexes are those of the collection that is gone.
        @Test(arguments: ["collection", "none", "snapshot"])
        func aCollectionThatIsSwappedMeanwhileForOneOfEqualSizeIsNoticed(_ consistency: String) throws {
            try withDatabase(on: server) { database, folder in
                // Servers do not provide snapshots of capped collections.
                let options: Document = consistency == "snapshot" ? ["capped": true, "size": 100_000] : [:]
                for name in ["a", "b"] { try database.insert((0..<100).map { ["_id": .int32($0)] }, into: name) }
                for name in ["z", "new"] {
                    try database.create(name, options)
                    try database.insert((0..<100).map { ["_id": .int32($0), "in": .string(name)] }, into: name)
                }
                let pause = try FailPoint(
                    server, ["find"], mode: .times(2), ["blockConnection": true, "blockTimeMS": 1500])
                // With configured references, the first query reads the documents to be exported.
                try folder.write("collections: {a: {references: {other: a}}}\n", to: "some.yaml")
                let program = try Program(
                    exporting(
                        database, to: folder.file("all.csv"),
                        [
                            "--config", folder.file("some.yaml"), "--consistency", consistency, "--exclude", "new",
                            "--jobs", "1",
                        ]))
                try pause.waitUntilEntered()
                try database.client.run(
                    [
                        "renameCollection": .string(database.name + ".new"), "to": .string(database.name + ".z"),
                        "dropTarget": true,
                    ], on: "admin")
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("mongoferry: z was dropped or renamed while the export ran"),
                    "\(outcome.text)")
                #expect(try folder.names() == ["some.yaml"])
            }
        }

        /// MongoDB 7.0 reads measurements of one time series with the definition of the other; earlier servers refuse.
        @Test func aTimeSeriesThatIsMadeAnewMeanwhileIsNotMixedWithTheOldOne() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                func create(_ metaField: String) throws {
                    try database.create("z", ["timeseries": ["timeField": "at", "metaField": .string(metaField)]])
                    try database.insert([["at": .date(0), "one": 1, "other": 1]], into: "z")
                }
                try create("one")
                try folder.write("collections: {a: {references: {other: a}}}\n", to: "some.yaml")
                let pause = try FailPoint(
                    server, ["find"], mode: .alwaysOn,
                    ["blockConnection": true, "blockTimeMS": 1500, "namespace": .string("\(database.name).a")])
                let program = try Program(
                    exporting(
                        database, to: folder.file("all.csv"), ["--config", folder.file("some.yaml"), "--jobs", "1"]))
                try pause.waitUntilEntered()
                try database.drop("z")
                try create("other")
                try pause.end()
                let outcome = try program.wait()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(try folder.names() == ["some.yaml"])
            }
        }

        @Test func indexesThatTheServerDidNotTellAreAskedForAgainAndNeverLeftOut() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("a", indexes: [["key": ["n": 1], "name": "by n"]])
                try database.insert((0..<10).map { ["_id": .int32($0)] }, into: "a")
                let once = try FailPoint(server, ["listIndexes"], mode: .times(1), ["errorCode": 26])
                let good = try Program.run(exporting(database, to: folder.file("good.csv")))
                #expect(good.status == 0, "\(good.text)")
                #expect(try folder.text("good.csv").contains("by n"))
                try once.end()

                let always = try FailPoint(server, ["listIndexes"], mode: .alwaysOn, ["errorCode": 26])
                let bad = try Program.run(exporting(database, to: folder.file("bad.csv")))
                let piped = try Program.run(exporting(database, to: "-"))
                try always.end()
                for outcome in [bad, piped] {
                    #expect(outcome.status == 1, "\(outcome.text)")
                    #expect(
                        outcome.errors.contains("a: the server did not tell the collection's indexes"),
                        "\(outcome.text)")
                }
                #expect(bad.errors.contains("\n  Nothing was left behind under the file's name.\n"), "\(bad.errors)")
                #expect(try folder.names() == ["good.csv"])
                // Whoever saves the output has something that is not a backup.
                #expect(
                    piped.errors.contains("\n  The output so far is incomplete and is not a usable backup.\n"),
                    "\(piped.errors)")
                #expect(!piped.errors.contains("file's name"), "\(piped.errors)")
            }
        }

        @Test(arguments: [true, false]) func whatAnInterruptedExportHasLeftIsSaid(isPiped: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 10)
                let pause = try FailPoint(
                    server, ["find"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 1000])
                let program = try Program(exporting(database, to: isPiped ? "-" : folder.file("all.csv")))
                try pause.waitUntilEntered()
                program.send(SIGINT)
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 130, "\(outcome.text)")
                let state =
                    isPiped ? "the output so far is incomplete and is not a usable backup" : "no file was written"
                #expect(outcome.errors.hasSuffix("mongoferry: interrupted; \(state)\n"), "\(outcome.errors)")
                #expect(try folder.names() == [])
            }
        }

        /// The second signal ends the export at once, and what it has written until then may be as large as the backup.
        /// Another program's file of that name stays.
        @Test(arguments: [false, true]) func anExportThatIsStoppedAtOnceLeavesNoPartialFile(isAnothers: Bool) throws {
            try withDatabase(on: server) { database, folder in
                let large = String(repeating: "x", count: 1 << 20)
                try database.insert((0..<60).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                let pause = try FailPoint(
                    server, ["getMore"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 3000])
                // The export may react to the first signal before it is held.
                let wasStoppedAtOnce = try (0..<10).contains { _ in
                    try isStoppedAtOnce(database, folder, replacesPartialFile: isAnothers)
                }
                try pause.end()
                #expect(wasStoppedAtOnce)
            }
        }

        /// - Returns: whether the second signal stopped the export, rather than the first.
        private func isStoppedAtOnce(
            _ database: TestDatabase, _ folder: TemporaryFolder, replacesPartialFile: Bool
        ) throws -> Bool {
            let program = try Program(exporting(database, to: folder.file("all.csv"), ["--jobs", "1"]))
            let partial = folder.file(".all.csv.partial")
            try poll("a partial file") {
                var status = stat()
                return stat(partial, &status) == 0 && status.st_size > 0
            }
            program.send(SIGINT)
            usleep(1000)
            program.send(SIGSTOP)
            // Sooner, the second one would be taken for an echo of the first.
            usleep(200_000)
            let isHeld = FileManager.default.fileExists(atPath: partial)
            if isHeld, replacesPartialFile {
                try FileManager.default.removeItem(atPath: partial)
                try folder.write("another's", to: ".all.csv.partial")
            }
            program.send(SIGTERM)
            program.send(SIGCONT)
            let outcome = try program.wait(seconds: 60)
            #expect(outcome.status == 130, "\(outcome.text)")
            let isAtOnce = outcome.errors.contains(
                "stopped at once; an export that was under way has left no backup\n")
            let isLeft = isHeld && replacesPartialFile
            if isAtOnce || !isLeft { #expect(try folder.names() == (isLeft ? [".all.csv.partial"] : [])) }
            if isLeft { try? FileManager.default.removeItem(atPath: partial) }
            return isAtOnce
        }

        /// With `collection`, each collection has its own snapshot, which would age while it awaits its turn.
        @Test(arguments: ["snapshot", "collection"])
        func aCollectionsOwnSnapshotIsTakenWhenItIsItsTurn(_ consistency: String) throws {
            try withDatabase(on: server) { database, folder in
                let filling = Value.string(String(repeating: "x", count: 50_000))
                for name in ["a", "b"] {
                    try database.insert((0..<200).map { ["_id": .int32($0), "filling": filling] }, into: name)
                }
                try folder.write("collections: {}\n", to: "empty.yaml")
                let pause = try FailPoint(
                    server, ["getMore"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 500])
                try database.client.run(["profile": 2], on: database.name)
                defer { _ = try? database.client.run(["profile": 0], on: database.name) }
                let outcome = try Program.run(
                    exporting(
                        database, to: folder.file("all.csv"),
                        ["--consistency", consistency, "--config", folder.file("empty.yaml"), "--jobs", "2"]))
                try pause.end()
                try database.client.run(["profile": 0], on: database.name)
                #expect(outcome.status == 0, "\(outcome.text)")
                // In the order in which they completed.
                let commands = try database.documents(in: "system.profile", ["appName": "mongoferry"]).compactMap {
                    entry -> String? in
                    guard let operation = entry["op"]?.string, ["query", "getmore"].contains(operation) else {
                        return nil
                    }
                    return operation + " " + (entry["ns"]?.string ?? "").suffix(1)
                }
                let asked = try #require(commands.lastIndex(of: "query b"))
                let read = try #require(commands.lastIndex(of: "getmore a"))
                #expect((asked < read) == (consistency == "snapshot"), "\(commands)")
            }
        }

        @Test func everyReferenceInTheFileResolvesHoweverBusyTheWritersAre() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("customers")
                try database.create("policies")
                let name = database.name
                let pool = database.pool
                let stop = Atomic<Bool>(false)
                let pairs = Atomic<Int>(0)
                let writers = (0..<2).map { writer in
                    let thread = Thread {
                        do {
                            let client = try pool.makeClient()
                            var index = 0
                            while !stop.load(ordering: .relaxed) {
                                let customer: Value = .string("\(writer)-\(index)")
                                try Self.insertPair(client, name, customer)
                                index += 1
                                pairs.add(1, ordering: .relaxed)
                            }
                        } catch { Issue.record(error) }
                    }
                    thread.start()
                    return thread
                }
                defer { stop.store(true, ordering: .relaxed) }
                try poll("some pairs") { pairs.load(ordering: .relaxed) > 50 }
                let configuration = folder.file("mongoferry.yaml")
                try folder.write(
                    "collections:\n  customers: {}\n  policies:\n    references: {customerId: customers}\n",
                    to: "mongoferry.yaml")
                for round in 0..<6 {
                    let file = folder.file("\(round).csv")
                    let before = pairs.load(ordering: .relaxed)
                    let outcome = try Program.run(exporting(database, to: file, ["--config", configuration]))
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(pairs.load(ordering: .relaxed) > before)
                    let verified = try Program.run(["verify", file, "--config", configuration])
                    #expect(verified.status == 0, "\(verified.text)")
                }
                stop.store(true, ordering: .relaxed)
                try poll("the writers have ended") { writers.allSatisfy(\.isFinished) }
            }
        }

        /// Inserts a customer and a policy in one transaction.
        private static func insertPair(_ client: Client, _ name: String, _ customer: Value) throws {
            let session = try client.startSession()
            try session.withTransaction {
                for (collection, document) in [
                    ("policies", ["_id": customer, "customerId": customer]), ("customers", ["_id": customer]),
                ] as [(String, Document)] {
                    try client.run(
                        ["insert": .string(collection), "documents": [.document(document)]], on: name, session: session)
                }
            }
        }

        // MARK: Snapshot history

        private func withShortHistory(seconds: Int32 = 1, _ body: () throws -> Void) throws {
            let admin = try server.pool().makeClient()
            try admin.run(
                ["setParameter": 1, "minSnapshotHistoryWindowInSeconds": .int32(seconds)], on: "admin")
            defer { _ = try? admin.run(["setParameter": 1, "minSnapshotHistoryWindowInSeconds": 300], on: "admin") }
            try body()
        }

        /// Writes until the server no longer has the history of a point in time.
        private func forget(_ time: Timestamp, _ database: TestDatabase) throws {
            try poll("the history is gone") {
                try database.update("clock", ["_id": 1], ["$inc": ["ticks": 1]])
                do {
                    try database.client.find(
                        database.namespace("clock"), [:],
                        options: FindOptions(readConcern: .snapshot(at: time))
                    ).forEach { _ in }
                    return false
                } catch let error as MongoError where error.isSnapshotTooOld {
                    return true
                }
            }
        }

        @Test func anExportThatOutlivesTheSnapshotHistoryNamesTheParameterAndLeavesNoFile() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1, "ticks": 0]], into: "clock")
                try folder.write("collections:\n  clock: {}\n  a:\n    references: {b: clock}\n", to: "mongoferry.yaml")
                try database.insert([["_id": 1]], into: "a")
                let more = ["--config", folder.file("mongoferry.yaml")]
                try withShortHistory {
                    for kind in ["snapshot", "collection"] {
                        let pause = try FailPoint(
                            server, ["find"], mode: .times(2), ["blockConnection": true, "blockTimeMS": 2500])
                        let program = try Program(
                            exporting(database, to: folder.file("all.csv"), more + ["--consistency", kind]))
                        try pause.waitUntilEntered()
                        let reply = try database.client.run(["ping": 1], on: database.name)
                        try forget(try #require(reply["operationTime"]?.timestamp), database)
                        let outcome = try program.wait()
                        try pause.end()
                        if kind == "snapshot" {
                            #expect(outcome.status == 1, "\(outcome.text)")
                            #expect(outcome.errors.contains("minSnapshotHistoryWindowInSeconds"), "\(outcome.errors)")
                            #expect(try folder.names() == ["mongoferry.yaml"])
                        } else {
                            #expect(outcome.status == 0, "\(outcome.text)")
                            let reader = try BackupReader(try OpenFile(reading: folder.file("all.csv")))
                            #expect(reader.metadata?.consistency == "collection")
                        }
                    }
                }
            }
        }

        @Test func thatTheSnapshotsHistoryMayNotLastIsSaidAtTheBeginning() throws {
            try withDatabase(on: server) { database, folder in
                let large = String(repeating: "x", count: 1 << 20)
                try database.insert((0..<80).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                try withShortHistory(seconds: 20) {
                    // If the server seems distant, three documents come in one batch.
                    let slow = try FailPoint(
                        server, ["getMore"], mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 2000])
                    let program = try Program(exporting(database, to: folder.file("all.csv"), ["--jobs", "1"]))
                    try poll("the warning comes") { program.errorsSoFar.contains("minSnapshotHistoryWindow") }
                    try slow.end()
                    let outcome = try program.wait()
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(
                        outcome.errors.contains("keeps the history of a snapshot for 20 seconds"), "\(outcome.errors)")
                    #expect(outcome.errors.split(separator: "minSnapshotHistoryWindow").count == 2, "\(outcome.errors)")
                }
            }
        }

        /// The bytes that arrive do not tell how long the server takes to find what a query matches.
        @Test func aQueryThatTakesLongIsNoReasonToFearForTheSnapshot() throws {
            try withDatabase(on: server) { database, folder in
                let large = String(repeating: "x", count: 1 << 20)
                try database.insert((0..<60).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                try database.insert([["_id": 1]], into: "a")
                try withShortHistory(seconds: 20) {
                    let slow = try FailPoint(
                        server, ["getMore"], mode: .times(3), ["blockConnection": true, "blockTimeMS": 2000])
                    let outcome = try Program.run(
                        exporting(database, to: folder.file("all.csv"), ["--jobs", "1", "--query", "a={}"]))
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(!outcome.errors.contains("history"), "\(outcome.errors)")
                    #expect(try slow.off() == 3)
                }
            }
        }

        @Test func aSlowReaderAtTheEndOfAPipeDoesNotMakeTheSnapshotOutliveItsHistory() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1, "ticks": 0]], into: "clock")
                let large = String(repeating: "x", count: 1 << 20)
                try database.insert((0..<60).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                try withShortHistory {
                    let (reading, writing) = try OwnDescriptors.newPipe()
                    let program = try Program(
                        exporting(database, to: "-", ["--quiet"]), output: writing)
                    close(writing)
                    defer { close(reading) }
                    // The header is written before the cursors are opened, the rows afterwards.
                    var content: [UInt8] = []
                    while content.count < 300_000 {
                        var some = [UInt8](repeating: 0, count: 4096)
                        let count = read(reading, &some, some.count)
                        try #require(count > 0)
                        content += some[..<count]
                    }
                    // Nobody reads on, and still the cursors are read to their end. A range's cursor may be opened
                    // later than the one before it ends, and one that a server is just resuming is listed neither as
                    // idle nor as an operation: only half a second without any cursor means the end.
                    var withoutAny = 0
                    try poll("the cursors are read to their end") {
                        withoutAny = try openCursors(in: database) == 0 ? withoutAny + 1 : 0
                        return withoutAny == 100
                    }
                    let time = try #require(
                        try database.client.run(["ping": 1], on: database.name)["operationTime"]?.timestamp)
                    try forget(time, database)
                    #if os(Linux)
                        // What nobody has read is kept by then, and nothing more comes.
                        let peak = try #require(program.highWaterMegabytes)
                        #expect(peak < 300)
                    #endif
                    var buffer = [UInt8](repeating: 0, count: 1 << 20)
                    while true {
                        let count = read(reading, &buffer, buffer.count)
                        if count <= 0 { break }
                        content += buffer[..<count]
                    }
                    let outcome = try program.wait()
                    #expect(outcome.status == 0, "\(outcome.text)")
                    try Data(content).write(to: URL(fileURLWithPath: folder.file("all.csv")))
                    #expect(try Program.run(["verify", folder.file("all.csv")]).status == 0)
                }
            }
        }

        private func openCursors(in database: TestDatabase) throws -> Int {
            let match: Document = ["ns": .string(database.name + ".large"), "type": ["$in": ["idleCursor", "op"]]]
            var count = 0
            try database.client.aggregate(
                database: "admin",
                pipeline: [["$currentOp": ["idleCursors": true, "localOps": true]], ["$match": .document(match)]]
            ).forEach { _ in count += 1 }
            return count
        }

        // MARK: The connection string's read preference and read concern

        @Test func anExportReadsWhereAndHowTheConnectionStringSaysAndAnImportFromThePrimary() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                // There is no secondary here: an export that requires one fails.
                let secondary = server.uri("", "readPreference=secondary&serverSelectionTimeoutMS=1000")
                let export = try Program.run(
                    ["export", "--uri", secondary, "--db", database.name, "-o", folder.file("x.csv")])
                #expect(export.status == 1, "\(export.text)")
                #expect(try folder.names() == ["new.csv"])
                for mode in ["merge", "insert", "replace"] {
                    let load = try Program.run(
                        ["import", file, "--uri", secondary, "--db", database.name, "--mode", mode, "--yes"])
                    #expect(load.status == 0, "\(load.text)")
                }
                #expect(try database.image().differences(from: data.new) == [])

                try database.client.run(["profile": 2], on: database.name)
                let majority = server.uri("", "readConcernLevel=majority")
                let plain = try Program.run([
                    "export", "--uri", majority, "--db", database.name, "-o", folder.file("y.csv"), "--consistency",
                    "none",
                ])
                #expect(plain.status == 0, "\(plain.text)")
                try database.client.run(["profile": 0], on: database.name)
                // Commands that do not support a read concern must not be given one.
                for words in [
                    ["export", "-o", folder.file("z.csv")], ["discover"], ["plan"], ["verify", folder.file("y.csv")],
                    ["import", folder.file("y.csv"), "--mode", "merge"],
                    ["import", folder.file("y.csv"), "--mode", "replace", "--yes"],
                ] {
                    for uri in [majority, server.uri("", "readConcernLevel=snapshot")] {
                        let outcome = try Program.run(
                            words
                                + ["--uri", uri, "--db", database.name, "--force"].dropLast(
                                    words[0] == "export" ? 0 : 1))
                        #expect(outcome.status == 0, "\(words): \(outcome.text)")
                    }
                }
                let finds = try database.documents(in: "system.profile", ["op": "query", "appName": "mongoferry"])
                #expect(!finds.isEmpty)
                for find in finds {
                    let level = find["command"]?.document?["readConcern"]?.document?["level"]
                    #expect(level == "majority", "\(find.elements)")
                }
            }
        }

        // MARK: Servers that fail while they are read

        @Test(
            arguments: ["find", "getMore", "dataSize", "count", "listCollections", "listIndexes", "hello"],
            [["errorCode": 10107], ["errorCode": 11600], ["closeConnection": true]] as [Document])
        func aFaultThatPassesGivesTheWholeFileOrNone(command: String, fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 500)
                switch command {
                // Measurements are counted, and more than one batch takes a `getMore`.
                case "count":
                    try database.create("ticks", ["timeseries": ["timeField": "at"]])
                    try database.run(["insert": "ticks", "documents": [["_id": 1, "at": .date(1000)]]])
                case "getMore":
                    let large = String(repeating: "x", count: 1 << 20)
                    try database.insert((0..<24).map { ["_id": .int32($0), "large": .string(large)] }, into: "large")
                default: break
                }
                let file = folder.file("all.csv")
                let failure = try FailPoint(server, [command], mode: .times(1), fault)
                let outcome = try Program.run(exporting(database, to: file))
                try failure.end()
                if outcome.status == 0 {
                    let verified = try Program.run(["verify", file, "--uri", server.uri(), "--db", database.name])
                    #expect(verified.status == 0, "\(verified.text)")
                } else {
                    #expect(outcome.status == 1, "\(outcome.text)")
                    #expect(try folder.names() == [])
                }
                // Opening a cursor can safely be retried; reading on from one cannot.
                if command == "find" { #expect(outcome.status == 0, "\(outcome.text)") }
            }
        }

        /// Whatever the first command is: nothing has been done yet.
        @Test(arguments: [["export"], ["verify"], ["discover"], ["import"]])
        func aConnectionThatBreaksAtTheFirstQuestionIsMadeAnew(command: [String]) throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 5)
                let file = folder.file("all.csv")
                #expect(try Program.run(exporting(database, to: file)).status == 0)
                let more = ["export": ["-o", file, "--force"], "verify": [file], "import": [file]]
                let failure = try FailPoint(server, ["buildInfo"], mode: .times(1), ["closeConnection": true])
                let outcome = try Program.run(
                    command + (more[command[0]] ?? []) + ["--uri", server.uri(), "--db", database.name])
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
            }
        }

        /// Of a collection whose snapshot is gone before anything of it was read, another one is as good.
        @Test(arguments: [("collection", 0), ("snapshot", 1)] as [(String, Int32)])
        func aCollectionsSnapshotThatIsGoneAtOnceIsTakenAnew(consistency: String, status: Int32) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1], ["_id": 2]], into: "c")
                // Discovery would be the first to read it.
                try folder.write("collections: {c: {references: {x: c}}}", to: "c.yaml")
                let failure = try FailPoint(
                    server, ["find"], mode: .times(1),
                    ["errorCode": 239, "namespace": .string("\(database.name).c")])
                let outcome = try Program.run(
                    exporting(
                        database, to: folder.file("c.csv"),
                        ["--consistency", consistency, "--config", folder.file("c.yaml")]))
                try failure.end()
                #expect(outcome.status == status, "\(outcome.text)")
                #expect(outcome.text.contains("minSnapshotHistoryWindowInSeconds") == (status == 1), "\(outcome.text)")
            }
        }

        /// What only improves an export is omitted if the server or the user's rights do not provide it.
        @Test(arguments: [59, 13, 115]) func aServerThatTellsNoSizesIsExportedAllTheSame(code: Int32) throws {
            try withDatabase(on: server) { database, folder in
                try FaultData.fill(database, generation: "new", count: 600)
                let failure = try FailPoint(
                    server, ["dataSize"], mode: .alwaysOn, ["errorCode": .int32(code)])
                let outcome = try Program.run(exporting(database, to: folder.file("all.csv")))
                let discovered = try Program.run(["discover", "--uri", server.uri(), "--db", database.name])
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(discovered.status == 0, "\(discovered.text)")
                let verified = try Program.run([
                    "verify", folder.file("all.csv"), "--uri", server.uri(), "--db", database.name,
                ])
                #expect(verified.status == 0, "\(verified.text)")
            }
        }

        /// After a crash, a server may assume very many documents where only a few are left.
        @Test func aServerThatCannotDrawASampleIsExportedAllTheSame() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": "k7"]], into: "a")
                try database.insert((0..<1200).map { ["_id": .string("k\($0)"), "a": "k7"] }, into: "texts")
                // The first aggregation looks for the oldest and the newest document.
                let failure = try FailPoint(
                    server, ["aggregate"], mode: .skip(1),
                    ["errorCode": 28799, "namespace": .string("\(database.name).texts")])
                let outcome = try Program.run(exporting(database, to: folder.file("all.csv")))
                #expect(try failure.off() == 1)
                #expect(outcome.status == 0, "\(outcome.text)")
                let verified = try Program.run([
                    "verify", folder.file("all.csv"), "--uri", server.uri(), "--db", database.name,
                ])
                #expect(verified.status == 0, "\(verified.text)")
            }
        }

        @Test func aSlowServerIsWaitedFor() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri(), count: 30)
                let slow = try FailPoint(
                    server, ["find", "getMore", "insert", "update", "create", "createIndexes", "renameCollection"],
                    mode: .alwaysOn, ["blockConnection": true, "blockTimeMS": 150])
                let export = try Program.run(exporting(database, to: folder.file("slow.csv")))
                let load = try Program.run(
                    ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", "replace", "--yes"])
                try slow.end()
                #expect(export.status == 0, "\(export.text)")
                #expect(load.status == 0, "\(load.text)")
                #expect(try database.image().differences(from: data.new) == [])
            }
        }
    }
}
