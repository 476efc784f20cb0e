import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import Testing

extension BusyServerTests {
    /// An import that is stopped after its first write reports what it had done, and which rows were not imported.
    @Suite(.serialized) struct StoppedImportTests {
        let server: OwnServer

        init() throws { server = try BusyServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ more: [String] = []) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--jobs", "1"] + more
        }

        /// Writes a file of three collections, the documents of `a` sharing values of `k`, and drops the collections.
        private func makeFile(_ database: TestDatabase, _ folder: TemporaryFolder) throws -> String {
            let file = folder.file("all.csv")
            try database.insert((0..<6).map { ["_id": .int32($0), "k": .int32($0 % 3)] }, into: "a")
            try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "b")
            try database.insert((0..<4).map { ["_id": .int32($0)] }, into: "c")
            try export(database, to: file)
            for name in ["a", "b", "c"] { try database.drop(name) }
            return file
        }

        /// Writes a file of a collection and of another one or a time series, which both stay in the database.
        private func makeBoth(_ database: TestDatabase, _ folder: TemporaryFolder, isSeries: Bool) throws -> String {
            let series: Value = ["timeField": "t"]
            try database.create("b", isSeries ? ["timeseries": series] : [:])
            for name in ["a", "b"] { try database.insert([["_id": 1, "t": .date(1)]], into: name) }
            try export(database, to: folder.file("both.csv"))
            return folder.file("both.csv")
        }

        private func export(_ database: TestDatabase, to file: String) throws {
            let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
            try #require(outcome.status == 0, "\(outcome.text)")
        }

        private static func counts(_ report: JSONValue) -> [[JSONValue?]] {
            guard case .array(let collections)? = report["collections"] else { return [] }
            return collections.map { [$0["name"], $0["inserted"], $0["rejected"]] }
        }

        /// The listings that precede the rename, and what is told where each fails.
        private static let listings: [(before: Int32, told: String)] = [
            (0, "Nothing was written."), (1, "Nothing was written."), (2, "The live data were not touched."),
            (3, "New already: none. Still old: y."), (4, "New already: none. Still old: y."),
        ]

        /// Its definition exists nowhere else, and nothing has come in its place: no rename was sent.
        @Test(arguments: listings)
        func aViewIsThereStillIfWhatPrecedesTheRenameFails(before: Int32, told: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("y.csv")
                try database.insert([["_id": 1]], into: "y")
                try export(database, to: file)
                try database.drop("y")
                try database.insert([["_id": 1]], into: "c")
                try database.create("y", ["viewOn": "c", "pipeline": []])
                let fault = try FailPoint(server, ["listCollections"], mode: .skip(before), ["closeConnection": true])
                let outcome = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
                try fault.end()
                #expect(outcome.status == 1 && outcome.errors.contains(told), "\(outcome.text)")
                let found = try database.client.listCollections(in: database.name).first { $0.name == "y" }
                #expect(found?.kind == .view, "\(outcome.text)")
                let again = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.documents(in: "y") == [["_id": 1]])
            }
        }

        /// It was to be tried again when the documents are there.
        @Test func anIndexThatTheServerHadRefusedIsToldWhereTheMergeStops() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("a", indexes: [["key": ["h": "hashed"], "name": "h"]])
                try database.insert([["_id": 1, "h": 1]], into: "a")
                let file = folder.file("all.csv")
                try export(database, to: file)
                try database.drop("a")
                try database.insert([["_id": 1, "h": [1, 2]]], into: "a")
                let fault = try FailPoint(server, ["update"], mode: .alwaysOn, ["errorCode": 96])
                let report = folder.file("r.json")
                let outcome = try Program.run(importing(database, file, ["--report", report]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(try folder.text("r.json").contains("the server refuses index h on a: "))
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
            }
        }

        @Test(arguments: ["merge", "replace"])
        func aServerThatFailsBeforehandIsToldWithTheStateOfThings(mode: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                try database.insert([["_id": "old"]], into: "a")
                let fault = try FailPoint(server, ["listIndexes"], mode: .alwaysOn, ["errorCode": 96])
                let outcome = try Program.run(importing(database, file, ["--mode", mode, "--yes"]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.hasSuffix("  Nothing was written.\n"), "\(outcome.errors)")
                #expect(try database.documents(in: "a") == [["_id": "old"]])
            }
        }

        @Test(arguments: [ImportOptions.Mode.merge, .insert])
        func whatTheServerRefusedIsToldWhereALaterCollectionStopsIt(_ mode: ImportOptions.Mode) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                try database.create("a", indexes: [["key": ["k": 1], "name": "k_1", "unique": true]])
                let fault = try FailPoint(
                    server, ["insert"], mode: .alwaysOn,
                    ["errorCode": 14031, "namespace": .string("\(database.name).b")])
                let outcome = try Program.run(
                    importing(
                        database, file, ["--mode", mode.rawValue, "--report", folder.file("report.json")]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                for id in 3...5 {
                    #expect(outcome.errors.contains(#"a, _id \#(id): "#), "\(outcome.errors)")
                }
                #expect(
                    outcome.errors.contains("Done: a. Begun, with no document known to be written: b."),
                    "\(outcome.errors)")
                #expect(outcome.errors.contains("The server has refused 3 documents: see above."), "\(outcome.errors)")
                #expect(outcome.errors.contains("3 rows were set aside in \(file).rejects.csv"), "\(outcome.errors)")
                #expect(outcome.errors.contains("Run the import again: it goes on where this one stopped."))
                let report = try JSONValue(folder.text("report.json"))
                #expect(report["status"] == .string("failed") && report["rejected"] == .number(3), "\(report)")
                guard case .array(let rows)? = report["rejectedRows"] else {
                    Issue.record("no rejectedRows: \(report)")
                    return
                }
                #expect(rows.count == 3)
                #expect(
                    Self.counts(report) == [
                        [.string("a"), .number(3), .number(3)], [.string("b"), .number(0), .number(0)],
                    ])
                #expect(try String(contentsOfFile: file + ".rejects.csv", encoding: .utf8).contains("\na,"))
            }
        }

        /// Callers of the library get this report as it is.
        @Test(arguments: [FerryError.Kind.failed, .interrupted])
        func theReportOfAnImportThatWasStoppedSaysSo(kind: FerryError.Kind) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                let place: Value = .string("\(database.name).b")
                let fault: FailPoint? =
                    kind == .failed
                    ? try FailPoint(server, ["insert"], mode: .alwaysOn, ["errorCode": 14031, "namespace": place]) : nil
                let cancellation = Cancellation()
                let operation = OperationContext(
                    cancellation: cancellation,
                    onProgress: { if kind == .interrupted, $0.collection == "b" { cancellation.cancel() } })
                var options = ImportOptions()
                options.jobs = 1
                let target = try Target(uri: server.uri(), database: database.name)
                let error = #expect(throws: FerryError.self) {
                    try Import(file, into: target, options).runBlocking(operation)
                }
                try fault?.end()
                let report = try #require(error?.report)
                #expect(error?.kind == kind)
                #expect(report.status == (kind == .failed ? .failed : .interrupted))
                #expect(report.error != nil && report.seconds > 0)
                #expect(!report.html.contains("Everything in the file is in the database"))
                #expect(report.collections.first?.inserted == 6)
            }
        }

        @Test(arguments: ["find", "listIndexes"])
        func aDryRunThatCannotGoOnHasWrittenNothingAndSaysSo(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                try database.insert([["_id": "old"]], into: "a")
                let fault = try FailPoint(server, [command], mode: .alwaysOn, ["errorCode": 96])
                let outcome = try Program.run(importing(database, file, ["--dry-run"]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("\n  Nothing was written.\n"), "\(outcome.errors)")
            }
        }

        @Test func anInterruptedMergeReportsWhatItHadWritten() throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                let pause = try FailPoint(
                    server, ["insert"], mode: .alwaysOn,
                    ["blockConnection": true, "blockTimeMS": 700, "namespace": .string("\(database.name).b")])
                let outcome = try Program(
                    importing(database, file, ["--report", folder.file("report.json")])
                ).interrupted(at: pause)
                #expect(outcome.status == 130, "\(outcome.text)")
                let report = try JSONValue(folder.text("report.json"))
                #expect(report["status"] == .string("interrupted"))
                #expect(Self.counts(report).first == [.string("a"), .number(6), .number(0)], "\(report)")
                let written = try database.count("b")
                let told = Self.counts(report).dropFirst().first
                #expect(told == nil && written == 0 || told?[1] == .number(Double(written)), "\(report), \(written)")
                #expect(Self.counts(report).count < 3)
            }
        }

        /// The file's `a` is `b` in the database, and vice versa.
        @Test(arguments: ["replace", "merge"]) func whatIsDoneIsToldByTheNamesInTheDatabase(mode: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                for name in ["a", "b", "c"] { try database.insert([["_id": "old"]], into: name) }
                let fault =
                    mode == "replace"
                    ? try FailPoint(server, ["renameCollection"], mode: .skip(1), ["errorCode": 20])
                    : try FailPoint(
                        server, ["insert"], mode: .alwaysOn,
                        ["errorCode": 14031, "namespace": .string("\(database.name).a")])
                let outcome = try Program.run(
                    importing(database, file, ["--mode", mode, "--yes", "--rename", "a=b", "--rename", "b=a"]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                let told =
                    mode == "replace"
                    ? "New already: b. Still old: a, c." : "Done: b. Begun, with no document known to be written: a."
                #expect(outcome.errors.contains(told), "\(outcome.errors)")
                // The next import removes what was staged.
                #expect(try Program.run(importing(database, file)).status == 0)
            }
        }

        @Test func aReplaceWhoseSecondRenameFailsReportsTheFirst() throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                for name in ["a", "b", "c"] { try database.insert([["_id": "old"]], into: name) }
                let fault = try FailPoint(server, ["renameCollection"], mode: .skip(1), ["errorCode": 20])
                let outcome = try Program.run(
                    importing(
                        database, file, ["--mode", "replace", "--yes", "--report", folder.file("report.json")]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("New already: a. Still old: b, c."), "\(outcome.errors)")
                let report = try JSONValue(folder.text("report.json"))
                #expect(Self.counts(report) == [[.string("a"), .number(6), .number(0)]], "\(report)")
                #expect(try database.count("a") == 6)
                #expect(try database.documents(in: "b") == [["_id": "old"]])
                // The next import removes what was staged of the others.
                let again = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
                #expect(again.status == 0, "\(again.text)")
            }
        }

        @Test func anInPlaceReplaceThatStopsReportsWhatItHadLoaded() throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                for name in ["a", "b"] { try database.insert([["_id": "old"]], into: name) }
                let fault = try FailPoint(
                    server, ["insert"], mode: .alwaysOn,
                    ["errorCode": 14031, "namespace": .string("\(database.name).b")])
                let arguments = ["--mode", "replace", "--in-place", "--yes"]
                let outcome = try Program.run(
                    importing(database, file, arguments + ["--report", folder.file("report.json")]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("b was being replaced in place and is not complete: "), "\(outcome.errors)")
                #expect(!outcome.errors.contains("is whole"), "\(outcome.errors)")
                let report = try JSONValue(folder.text("report.json"))
                #expect(
                    Self.counts(report) == [
                        [.string("a"), .number(6), .number(0)], [.string("b"), .number(0), .number(0)],
                    ], "\(report)")
                #expect(try Program.run(importing(database, file, arguments)).status == 0)
                #expect(try database.count("b") == 5)
            }
        }

        // MARK: Before the first write

        @Test(arguments: [ImportOptions.Mode.merge, .insert])
        func aViewThatTheServerDoesNotTakeIsFoundOutBeforeAnythingIsWritten(_ mode: ImportOptions.Mode) throws {
            try withDatabase(on: server) { database, folder in
                try database.create("v", ["viewOn": "a", "pipeline": []])
                let file = try makeFile(database, folder)
                try database.drop("v")
                // As answered by an older server, which does not know the stage.
                let fault = try FailPoint(server, ["create"], mode: .alwaysOn, ["errorCode": 40324])
                let outcome = try Program.run(importing(database, file, ["--mode", mode.rawValue]))
                try fault.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("the server cannot create v with the file's options"))
                #expect(outcome.errors.contains("Nothing was written."), "\(outcome.errors)")
                #expect(outcome.errors.contains("--exclude v leaves it out."), "\(outcome.errors)")
                #expect(!outcome.errors.contains("Run the import again"), "\(outcome.errors)")
                #expect(try database.names() == [])
                let without = try Program.run(importing(database, file, ["--exclude", "v"]))
                #expect(without.status == 0, "\(without.text)")
                #expect(try database.names() == ["a", "b", "c"])
            }
        }

        /// The option does not exist in any server, and neither does the version that the file names.
        @Test(arguments: [ImportOptions.Mode.merge, .insert, .replace])
        func optionsThatTheServerDoesNotKnowAreFoundOutBeforeAnythingIsWritten(_ mode: ImportOptions.Mode) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let entries: [BackupMetadata.Collection] = [
                    .init(name: "a", records: 1), .init(name: "m", options: ["noSuchOption": true], records: 0),
                ]
                var metadata = BackupMetadata(created: nil, program: "x", database: "y", collections: entries)
                metadata.serverVersion = "99.0.1"
                let writer = try BackupWriter(
                    .file(path: file, overwriting: true), compression: .none, plain: false, metadata: metadata)
                try Array("a,\"{\"\"_id\"\":1}\"\n".utf8).withUnsafeBytes { try writer.write(rows: $0) }
                try writer.finish(counts: ["a": 1, "m": 0])
                let dry = try Program.run(importing(database, file, ["--mode", mode.rawValue, "--dry-run"]))
                #expect(dry.status == 0, "\(dry.text)")
                #expect(dry.errors.contains("the file is from MongoDB 99.0.1, this is "), "\(dry.errors)")
                let outcome = try Program.run(importing(database, file, ["--mode", mode.rawValue, "--yes"]))
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("the server cannot create m with the file's options: "))
                #expect(outcome.errors.contains("--exclude m leaves it out."), "\(outcome.errors)")
                #expect(try database.names() == [])
            }
        }

        // MARK: While others change collections

        /// Neither the options nor a document are at fault.
        @Test(arguments: ["create", "insert"]) func aDatabaseThatIsBeingDroppedStopsAMerge(command: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                let failure = try FailPoint(
                    server, [command], mode: .alwaysOn,
                    ["errorCode": 215, "namespace": .string("\(database.name).a")])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1 && outcome.errors.contains("code 215"), "\(outcome.text)")
                #expect(outcome.errors.hasSuffix("goes on where this one stopped.\n"), "\(outcome.text)")
                #expect(
                    !outcome.errors.contains("options: ") && !outcome.errors.contains("rejected"), "\(outcome.text)")
                if command == "insert" { try database.drop("a") }
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
            }
        }

        /// Nothing had to be written to it, so nothing else would have shown it.
        @Test func anEqualCollectionThatIsDroppedDuringAMergeIsTold() throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeFile(database, folder)
                try database.insert((0..<6).map { ["_id": .int32($0), "k": 100] }, into: "a")
                try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "b")
                let pause = try FailPoint(
                    server, ["update"], mode: .alwaysOn,
                    ["blockConnection": true, "blockTimeMS": 1500, "namespace": .string("\(database.name).a")])
                let program = try Program(importing(database, file))
                try pause.waitUntilEntered()
                try database.drop("b")
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(outcome.errors.contains("b was dropped or replaced by another program during the import"))
            }
        }

        /// A replace in place takes its time, and collections that are complete by then are visible to others.
        @Test(arguments: [false, true]) func aCollectionThatIsDroppedWhileOthersAreReplacedInPlaceIsTold(
            isSeries: Bool
        ) throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeBoth(database, folder, isSeries: isSeries)
                let pause = try FailPoint(
                    server, ["insert"], mode: .alwaysOn,
                    ["blockConnection": true, "blockTimeMS": 1500, "namespace": .string("\(database.name).b")])
                let program = try Program(
                    importing(
                        database, file,
                        ["--mode", "replace", "--yes"] + (isSeries ? [] : ["--in-place"])))
                try pause.waitUntilEntered()
                try database.drop("a")
                let outcome = try program.wait()
                try pause.end()
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(outcome.errors.contains("a was dropped or replaced by another program during the import"))
                #expect(try database.documents(in: "b").count == 1)
            }
        }

        /// Whichever listing fails: a staged collection is swapped in before the time series is replaced in place.
        @Test func whereverCollectionsCannotBeListedTheStateIsTold() throws {
            try withDatabase(on: server) { database, folder in
                let file = try makeBoth(database, folder, isSeries: true)
                var errors: [String] = []
                for skipped: Int32 in 0..<8 {
                    let failure = try FailPoint(server, ["listCollections"], mode: .skip(skipped), ["errorCode": 96])
                    let outcome = try Program.run(
                        importing(database, file, ["--mode", "replace", "--yes"]))
                    try failure.end()
                    #expect(outcome.status == 1, "\(skipped): \(outcome.text)")
                    let isTold = [
                        "Nothing was written", "were not touched", "New already: a.",
                        "New already: none. Still old: a, b.",
                    ].contains {
                        outcome.errors.contains($0)
                    }
                    #expect(isTold, "\(skipped): \(outcome.text)")
                    #expect(try database.documents(in: "a").count == 1)
                    errors.append(outcome.errors)
                }
                // Only the check of what was swapped in does not stop the import by itself.
                #expect(
                    errors.contains {
                        $0.contains("will not be seen: listCollections") && $0.contains("New already: a.")
                    })
            }
        }

        // MARK: After another that was killed

        private func kill(_ program: Program, at pause: FailPoint) throws {
            try pause.waitUntilEntered()
            program.send(SIGKILL)
            _ = try program.wait()
        }

        /// Writes two files of the same documents; the database is left as in the second one.
        private func makeTwo(
            _ database: TestDatabase, _ folder: TemporaryFolder
        ) throws -> (first: String, second: String) {
            let files = (folder.file("first.csv"), folder.file("second.csv"))
            for (generation, file) in [("first", files.0), ("second", files.1)] {
                if generation == "second" { try database.drop("a") }
                try database.insert(
                    (0..<1000).map { ["_id": .int32($0), "of": .string(generation)] }, into: "a")
                let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(outcome.status == 0, "\(outcome.text)")
            }
            return files
        }

        @Test func aMergeComparesAfterTheWritesOfAKilledOneHaveEnded() throws {
            try withDatabase(on: server) { database, folder in
                let (first, second) = try makeTwo(database, folder)
                let pause = try FailPoint(
                    server, ["update"], mode: .times(1),
                    ["blockConnection": true, "blockTimeMS": 2000, "namespace": .string("\(database.name).a")])
                try kill(Program(importing(database, first)), at: pause)
                let outcome = try Program.run(importing(database, second))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.count("a", ["of": "second"]) == 1000, "\(outcome.text)")
            }
        }

        /// What is reported as another program's is a problem, and this is none.
        @Test func whatAKilledImportWroteAfterThePlanCameFromNoOtherProgram() throws {
            try withDatabase(on: server) { database, folder in
                let (first, second) = try makeTwo(database, folder)
                try database.drop("a")
                try database.insert([["_id": "live"]], into: "a")
                let pause = try FailPoint(
                    server, ["insert"], mode: .times(1),
                    ["blockConnection": true, "blockTimeMS": 2000, "namespace": .string("\(database.name).a")])
                try kill(Program(importing(database, first, ["--mode", "insert"])), at: pause)
                let outcome = try Program.run(importing(database, second, ["--mode", "replace", "--yes"]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(!outcome.errors.contains("came from other programs"), "\(outcome.errors)")
                #expect(try database.count("a", ["of": "second"]) == 1000)
            }
        }

        @Test(arguments: ["merge", "replace"])
        func theDropOfAKilledImportTakesNothingAwayFromTheNext(_ mode: String) throws {
            try withDatabase(on: server) { database, folder in
                let (first, second) = try makeTwo(database, folder)
                let pause = try FailPoint(
                    server, ["drop"], mode: .times(1),
                    ["blockConnection": true, "blockTimeMS": 2000, "namespace": .string("\(database.name).a")])
                try kill(
                    Program(importing(database, first, ["--mode", "replace", "--in-place", "--yes"])), at: pause)
                let began = ContinuousClock.now
                let outcome = try Program.run(importing(database, second, ["--mode", mode, "--yes"]))
                // If the plan was made before the drop, a merge says that what existed is gone.
                #expect(outcome.status == 0 || mode == "merge" && outcome.status == 2, "\(outcome.text)")
                // By now, a drop that nobody waited for would have been executed.
                let rest = Duration.milliseconds(2300) - (ContinuousClock.now - began)
                if rest > .zero { Thread.sleep(forTimeInterval: rest / .seconds(1)) }
                #expect(try database.count("a", ["of": "second"]) == 1000, "\(outcome.text)")
                // A merge does not restore what was to replace the old documents.
                let hasMark = try database.names().contains("__mongoferry_definitions")
                #expect(hasMark == (mode == "merge"))
                if hasMark { try database.drop("__mongoferry_definitions") }
            }
        }

        /// Returns how many imports are building an index on `a`.
        private func waiting(_ admin: Client, _ database: TestDatabase) throws -> Int {
            let filter: Document = [
                "appName": "mongoferry", "command.createIndexes": "a",
                "ns": ["$regex": .string("^\(database.name)\\.")],
            ]
            var count = 0
            try admin.aggregate(
                database: "admin",
                pipeline: [["$currentOp": ["allUsers": true]], ["$match": .document(filter)]]
            ).forEach { _ in count += 1 }
            return count
        }

        @Test func anIndexThatIsStillBeingBuiltIsNotThere() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("all.csv")
                try database.create("a", indexes: [["key": ["u": 1], "name": "u_1", "unique": true]])
                try database.insert((0..<10).map { ["_id": .int32($0), "u": .int32($0)] }, into: "a")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                try #require(export.status == 0, "\(export.text)")
                try database.run(["dropIndexes": "a", "index": "u_1"])
                try database.insert([["_id": "extra", "u": 5]], into: "a")
                let admin = try server.pool().makeClient()
                func hang(_ mode: Value) throws {
                    try admin.run(
                        ["configureFailPoint": "hangAfterStartingIndexBuild", "mode": mode], on: "admin")
                }
                func builds() throws -> Int {
                    try admin.listIndexesAndBuilds(of: database.namespace("a")).building.count
                }
                try hang("alwaysOn")
                defer { try? hang("off") }
                let killed = try Program(importing(database, file))
                try poll("an index build") { try builds() == 1 }
                killed.send(SIGKILL)
                _ = try killed.wait()
                let next = try Program(importing(database, file))
                // The import waits for that build, and shares its outcome.
                try poll("an import that builds the index") { try waiting(admin, database) == 1 }
                try hang("off")
                let outcome = try next.wait(seconds: 30)
                #expect(outcome.status == 2, "\(outcome.text)")
                #expect(outcome.errors.contains("the server refuses index u_1 on a"), "\(outcome.errors)")
                #expect(try builds() == 0)
            }
        }
    }
}
