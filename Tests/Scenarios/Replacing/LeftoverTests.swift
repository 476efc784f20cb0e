import BSON
import Foundation
import MongoDriver
import MongoFerry
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension OwnServerTests {
    /// What an interrupted import has left is restored where it is wanted, and never replaces what exists now.
    @Suite(.serialized) struct LeftoverTests {
        let server: OwnServer

        init() throws { server = try OwnServerTests.server.get() }

        private func importing(_ database: TestDatabase, _ file: String, _ more: [String] = []) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--yes"] + more
        }

        private func own(_ database: TestDatabase) throws -> [String] {
            try database.names().filter { $0.hasPrefix("__mongoferry") }
        }

        // MARK: Displaced collections

        /// Provides a file with a view, and a database in which a collection has the view's name.
        private func prepare(_ database: TestDatabase, _ view: String, _ folder: TemporaryFolder) throws -> String {
            let file = folder.file("view.csv")
            try database.insert([["_id": 1]], into: "a")
            try database.create(view, ["viewOn": "a", "pipeline": []])
            let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
            try #require(outcome.status == 0, "\(outcome.text)")
            try database.drop(view)
            try database.insert([["_id": "old"]], into: view)
            return file
        }

        /// Kills a replace that has displaced the collection for the view.
        /// - Returns: the collection's name after that.
        private func displace(_ view: String, _ database: TestDatabase, _ file: String) throws -> String {
            // The first rename is that of the collection `a`; the second one displaces.
            let pause = try FailPoint(
                server, ["renameCollection"], mode: .skip(1), ["blockConnection": true, "blockTimeMS": 500])
            let program = try Program(importing(database, file, ["--mode", "replace"]))
            try pause.waitUntilEntered()
            program.send(SIGKILL)
            _ = try program.wait()
            try pause.end()
            try poll("it is displaced") { try !database.names().contains(view) }
            return try #require(own(database).first { $0.hasPrefix("__mongoferry_displaced.") })
        }

        /// The name is taken after the database was listed and before the collection gets it back.
        @Test func whatWasDisplacedIsNotPutOverWhatTakesItsNameMeanwhile() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepare(database, "v", folder)
                let place = try displace("v", database, file)
                let pause = try FailPoint(
                    server, ["renameCollection"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 2000])
                let program = try Program(importing(database, file, ["-c", "a"]))
                try pause.waitUntilEntered()
                try database.insert([["_id": "another"]], into: "v")
                let outcome = try program.wait()
                try pause.end(times: 1)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("stays in \(place)"), "\(outcome.errors)")
                #expect(try database.documents(in: "v") == [["_id": "another"]])
                #expect(try database.documents(in: place) == [["_id": "old"]])
                try database.drop("v")
                #expect(try Program.run(importing(database, file, ["-c", "a"])).status == 0)
                #expect(try database.documents(in: "v") == [["_id": "old"]])
                #expect(try own(database) == [])
            }
        }

        /// Left by a trial whose drop the server has not completed, and by an import that was killed before it removed
        /// its empty list.
        @Test func whatIsLeftWithoutItsNameIsRemovedToo() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "-o", file, "--uri", server.uri(), "--db", database.name])
                try #require(export.status == 0)
                let storage = "system.buckets.__mongoferry_staging.0.trial"
                try database.insert([["_id": 1]], into: storage)
                try database.create("__mongoferry_displaced")
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.client.listCollections(in: database.name).map(\.name) == ["a"])
            }
        }

        @Test func whatAnOlderVersionDisplacedStaysWhenItsNameIsTaken() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepare(database, "v", folder)
                let place = "__mongoferry_displaced.v"
                try database.insert([["_id": "the only copy"]], into: place)
                for _ in 0..<2 {
                    let outcome = try Program.run(importing(database, file, ["--mode", "replace"]))
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(
                        outcome.errors.contains(
                            "something else has the name v since: what it was before stays in \(place)"),
                        "\(outcome.errors)")
                    #expect(try database.documents(in: "v") == [["_id": 1]])
                    #expect(try database.documents(in: place) == [["_id": "the only copy"]])
                    #expect(try own(database) == [place])
                }
                try database.drop("v")
                let outcome = try Program.run(importing(database, file, ["-c", "a"]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.documents(in: "v") == [["_id": "the only copy"]])
                #expect(try own(database) == [])
            }
        }

        @Test func whatWasDisplacedStaysWhenItsNameWasTakenBeforeTheNextImport() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepare(database, "v", folder)
                let place = try displace("v", database, file)
                try database.insert([["_id": "another"]], into: "v")
                for _ in 0..<3 {
                    let outcome = try Program.run(importing(database, file, ["--mode", "replace"]))
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(outcome.errors.contains("stays in \(place)"), "\(outcome.errors)")
                    #expect(try database.documents(in: "v") == [["_id": 1]])
                    #expect(try database.documents(in: place) == [["_id": "old"]])
                    #expect(Set(try own(database)) == ["__mongoferry_displaced", place])
                }
                try database.drop("v")
                let outcome = try Program.run(importing(database, file, ["-c", "a"]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.documents(in: "v") == [["_id": "old"]])
                #expect(try own(database) == [])
            }
        }

        /// Not the view for which the collection was displaced.
        @Test func whatWasDisplacedStaysWhenAnotherViewHasTakenItsName() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepare(database, "v", folder)
                let place = try displace("v", database, file)
                try database.create("v", ["viewOn": "a", "pipeline": [["$match": ["x": 1]]]])
                let outcome = try Program.run(importing(database, file, ["-c", "a"]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("stays in \(place)"), "\(outcome.errors)")
                #expect(try database.documents(in: place) == [["_id": "old"]])
                try database.drop("v")
                let again = try Program.run(importing(database, file, ["-c", "a"]))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.documents(in: "v") == [["_id": "old"]])
            }
        }

        @Test func aDisplacedCollectionThatCannotBeRemovedIsRemovedByTheNextImport() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepare(database, "v", folder)
                // The first two drops check the privilege, and drop the view that is tried out.
                let failure = try FailPoint(server, ["drop"], mode: .skip(2), ["errorCode": 13])
                let outcome = try Program.run(importing(database, file, ["--mode", "replace"]))
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("v is a view now; the collection that had its name"), "\(outcome.text)")
                #expect(try own(database).contains { $0.hasPrefix("__mongoferry_displaced.") })
                let again = try Program.run(importing(database, file, ["--mode", "replace"]))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.documents(in: "v") == [["_id": 1]])
                #expect(try own(database) == [])
            }
        }

        /// The server may still be executing what a killed import has sent: the record stays until the next import
        /// ends.
        @Test(arguments: [true, false]) func whatIsRecordedOfARenameGoesWithTheNextImport(hasRecord: Bool) throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepare(database, "v", folder)
                let pause = try FailPoint(
                    server, ["renameCollection"], mode: .skip(1),
                    ["blockConnection": true, "blockTimeMS": 500, "errorCode": 13])
                let program = try Program(importing(database, file, ["--mode", "replace"]))
                try pause.waitUntilEntered()
                program.send(SIGKILL)
                _ = try program.wait()
                try pause.end()
                if !hasRecord { try database.delete("__mongoferry_displaced", [:]) }
                let next = try Program.run(importing(database, file, ["-c", "a"]))
                #expect(next.status == 0, "\(next.text)")
                #expect(try own(database) == [])
                #expect(try database.documents(in: "v") == [["_id": "old"]])
            }
        }

        @Test func aViewTakesThePlaceOfACollectionWithTheLongestName() throws {
            try withDatabase(on: server) { database, folder in
                let name = String(repeating: "n", count: 254 - database.name.utf8.count)
                let file = try prepare(database, name, folder)
                let outcome = try Program.run(importing(database, file, ["--mode", "replace"]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.documents(in: name) == [["_id": 1]])
                #expect(try own(database) == [])
            }
        }

        // MARK: Kept definitions

        /// Provides an old file, and a collection with options and indexes that the file does not have.
        private func prepareOldFile(_ database: TestDatabase, _ folder: TemporaryFolder) throws -> String {
            try database.create(
                "c", ["validator": ["x": ["$gte": 0]]],
                indexes: [["key": ["x": 1], "name": "x"], ["key": ["y": 1], "name": "y"]])
            try database.insert((0..<20).map { ["_id": .int32($0), "x": .int32($0)] }, into: "c")
            let rows = (0..<20).map { "c,\"{\"\"_id\"\":\($0),\"\"x\"\":\($0)}\"\n" }
            try folder.write("collection,data\n" + rows.joined(), to: "old.csv")
            return folder.file("old.csv")
        }

        /// Provides the same collection, with such a file or with a backup.
        private func prepareFile(
            _ database: TestDatabase, _ folder: TemporaryFolder, isSealed: Bool
        ) throws -> String {
            let old = try prepareOldFile(database, folder)
            guard isSealed else { return old }
            let file = folder.file("all.csv")
            let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
            try #require(outcome.status == 0, "\(outcome.text)")
            return file
        }

        /// Kills the program at a command on the collection itself, not on the one in which its definition is tried.
        private func kill(
            _ database: TestDatabase, _ words: [String], at command: String, _ more: Document = [:]
        ) throws {
            var data: Document = [
                "blockConnection": true, "blockTimeMS": 500, "namespace": .string("\(database.name).c"),
            ]
            for (key, value) in more.elements { data = data.appending(key, value) }
            let pause = try FailPoint(server, [command], mode: .skip(0), data)
            let program = try Program(words)
            try pause.waitUntilEntered()
            program.send(SIGKILL)
            _ = try program.wait()
            try pause.end()
            // The blocked command is now executed, or refused.
            Thread.sleep(forTimeInterval: 0.7)
        }

        private func indexes(_ database: TestDatabase) throws -> Set<String> {
            Set(try database.client.listIndexes(of: database.namespace("c")).compactMap { $0["name"]?.string })
        }

        private func options(_ database: TestDatabase) throws -> Document? {
            try database.client.listCollections(in: database.name).first { $0.name == "c" }?.options
        }

        private static let notice = "it had before an import was interrupted"

        @Test(arguments: ["merge", "replace"]) func aCollectionThatWasMadeAnewCountsAndNotWhatWasKept(mode: String)
            throws
        {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                try database.drop("c")
                let validator: Document = ["validator": ["x": ["$exists": true]]]
                try database.create("c", validator, indexes: [["key": ["z": 1], "name": "z"]])
                let plan = try Program.run(importing(database, file, ["--mode", mode, "--dry-run"]))
                #expect(plan.status == 0 && !plan.errors.contains(Self.notice), "\(plan.text)")
                let outcome = try Program.run(importing(database, file, ["--mode", mode]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "c was made anew after an import was interrupted: what it had before is kept no longer: option validator, index x, index y"
                    ), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "z"])
                #expect(try options(database) == validator)
                #expect(try own(database) == [])
            }
        }

        /// Other options than it had show that the collection was not created by an insert.
        @Test(arguments: [true, false]) func aCollectionThatWasMadeAnewWithoutIndexesCountsByItsOptions(isSame: Bool)
            throws
        {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                let validator = try #require(try options(database))
                try kill(
                    database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "create",
                    ["errorCode": 2])
                let made: Document = isSame ? validator : ["validator": ["x": ["$exists": true]]]
                try database.create("c", made)
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("\(Self.notice): index x, index y") == isSame, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("kept no longer: option validator, index x, index y") == !isSame,
                    "\(outcome.text)")
                #expect(try indexes(database) == (isSame ? ["_id_", "x", "y"] : ["_id_"]))
                #expect(try options(database) == made)
                #expect(try own(database) == [])
            }
        }

        /// An insert creates no index: somebody has created the collection, and knows which it is to have.
        @Test func aCollectionThatWasMadeAnewWithoutOptionsCountsByItsIndexes() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                try kill(
                    database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "create",
                    ["errorCode": 2])
                try database.create("c", indexes: [["key": ["z": 1], "name": "z"]])
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "c was made anew after an import was interrupted: what it had before is kept no longer: option validator, index x, index y"
                    ), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "z"])
                #expect(try options(database)?.isEmpty == true)
                #expect(try own(database) == [])
            }
        }

        @Test(arguments: [[], ["--in-place"]])
        func optionsThatACollectionInPartWasGivenSinceStay(more: [String]) throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                let words = importing(database, file, ["--mode", "replace"])
                try kill(database, words + ["--in-place"], at: "insert")
                let validator: Document = ["x": ["$exists": true]]
                try database.run(["collMod": "c", "validator": .document(validator)])
                let outcome = try Program.run(words + more)
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try options(database)?["validator"] == .document(validator))
                #expect(try indexes(database) == ["_id_", "x", "y"])
                #expect(try own(database) == [])
            }
        }

        /// The first replace was killed, and left a part of the collection.
        @Test func whatWasKeptOutlivesARerunWhoseDropIsRefused() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                let before = try database.image()
                let words = importing(database, file, ["--mode", "replace", "--in-place"])
                try kill(database, words, at: "insert")
                let failure = try FailPoint(
                    server, ["drop"], mode: .alwaysOn,
                    ["errorCode": 2, "namespace": .string("\(database.name).c")])
                let refused = try Program.run(words)
                try failure.end()
                #expect(refused.status == 1, "\(refused.text)")
                let again = try Program.run(words)
                #expect(again.status == 0 && again.errors.contains("\(Self.notice): index x, index y"), "\(again.text)")
                #expect(try database.image().differences(from: before) == [])
                #expect(try own(database) == [])
            }
        }

        /// Somebody has given it another index since.
        @Test func whatWasKeptIsForTheCollectionThatAMergeHasMadeAndNotCompleted() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                let refusal: Document = ["errorCode": 2]
                try kill(
                    database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "create", refusal)
                try kill(database, importing(database, file), at: "createIndexes", refusal)
                #expect(try indexes(database) == ["_id_"])
                try database.run(["createIndexes": "c", "indexes": [["key": ["z": 1], "name": "z"]]])
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0 && outcome.errors.contains(Self.notice), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "x", "y", "z"])
                #expect(try own(database) == [])
            }
        }

        @Test func theTypesOfACollectionThatWasMadeAnewCountAndNotThoseThatWereKept() throws {
            try withDatabase(on: server) { database, folder in
                try folder.write("collection,data\nc,\"{\"\"_id\"\":1,\"\"n\"\":5}\"\n", to: "old.csv")
                try database.insert([["_id": 1, "n": .int64(5)]], into: "c")
                let file = folder.file("old.csv")
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                try database.drop("c")
                try database.insert([["_id": 2, "n": 7]], into: "c")
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(Set(try database.documents(in: "c")) == [["_id": 1, "n": 5], ["_id": 2, "n": 7]])
                #expect(try own(database) == [])
            }
        }

        /// Another file has no definition; only the sealed one, imported again, makes the collection whole.
        @Test func whatWasKeptForASealedFileIsForAnotherToo() throws {
            try withDatabase(on: server) { database, folder in
                let old = try prepareOldFile(database, folder)
                let file = folder.file("all.csv")
                let export = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
                #expect(export.status == 0, "\(export.text)")
                let whole = try database.image()
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                let outcome = try Program.run(importing(database, old))
                #expect(outcome.status == 0 && outcome.errors.contains(Self.notice), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "x", "y"])
                #expect(try own(database) == ["__mongoferry_definitions"])
                #expect(try Program.run(importing(database, file)).status == 0)
                #expect(try database.image().differences(from: whole) == [])
                #expect(try own(database) == [])
            }
        }

        /// Imports of other files must not make anybody believe that the collection is complete.
        @Test(arguments: ["replace", "merge", "by hand"])
        func whatWasBeingReplacedInPlaceIsToldUntilItIsWhole(end: String) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "other")
                let other = folder.file("other.csv")
                let export = ["export", "--uri", server.uri(), "--db", database.name, "--quiet", "--force", "-o"]
                #expect(try Program.run(export + [other]).status == 0)
                try database.insert((0..<20).map { ["_id": .int32($0), "x": .int32($0)] }, into: "c")
                let file = folder.file("c.csv")
                #expect(try Program.run(export + [file, "-c", "c"]).errors == "")
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                let told =
                    "an import into \(database.name) was interrupted while it replaced c in place: what is there is in part"
                #expect(try Program.run(export + [folder.file("live.csv")]).errors.contains(told))
                // This import takes over the lock.
                for mode in ["merge", "replace"] {
                    let outcome = try Program.run(importing(database, other, ["--mode", mode]))
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(
                        outcome.errors.contains(
                            "an earlier import was interrupted while it replaced c in place: it was in part, or gone, when this import began,"
                        ), "\(outcome.text)")
                    let exported = try Program.run(export + [folder.file("live.csv")])
                    #expect(exported.errors.contains(told), "\(exported.text)")
                    let verified = try Program.run([
                        "verify", "--uri", server.uri(), "--db", database.name, "--quiet",
                    ])
                    #expect(verified.errors.contains(told), "\(verified.text)")
                }
                if end == "by hand" {
                    try database.drop("__mongoferry_definitions")
                } else {
                    let outcome = try Program.run(importing(database, file, ["--mode", end]))
                    #expect(outcome.status == 0, "\(outcome.text)")
                    #expect(try database.count("c") == 20)
                }
                #expect(try own(database) == [])
                #expect(try Program.run(export + [folder.file("live.csv")]).errors == "")
            }
        }

        /// The rows that were set aside, or those of another file, complete nothing.
        @Test(arguments: [("insert", false), ("create", true)])
        func aMergeOfAFewRowsDoesNotMakeACollectionWhole(command: String, isSealed: Bool) throws {
            try withDatabase(on: server) { database, folder in
                let export = ["export", "--uri", server.uri(), "--db", database.name, "--quiet", "--force", "-o"]
                let file = try prepareFile(database, folder, isSealed: isSealed)
                var few = folder.file("few.csv")
                if isSealed {
                    #expect(try Program.run(export + [few, "--query", "c={\"_id\": 3}"]).status == 0)
                } else {
                    try folder.write("collection,data\nc,\"{\"\"_id\"\":3,\"\"x\"\":3}\"\n", to: "old.csv.rejects.csv")
                    few = folder.file("old.csv.rejects.csv")
                }
                let more: Document = command == "create" ? ["errorCode": 2] : [:]
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: command, more)
                let merged = try Program.run(importing(database, few))
                #expect(try merged.status == 0 && database.count("c", ["_id": 3]) == 1, "\(merged.text)")
                let told = try Program.run(export + [folder.file("live.csv")]).errors
                #expect(told.contains("interrupted while it replaced c in place"), "\(told)")
                let whole = try Program.run(importing(database, file))
                #expect(try whole.status == 0 && database.count("c") == 20, "\(whole.text)")
                #expect(try Program.run(export + [folder.file("live.csv")]).errors == "")
                #expect(try own(database) == [])
            }
        }

        /// What the server has refused is missing.
        @Test(arguments: [true, false]) func aMergeOfWhichRowsAreRefusedMakesNoCollectionWhole(isSealed: Bool) throws {
            try withDatabase(on: server) { database, folder in
                let export = ["export", "--uri", server.uri(), "--db", database.name, "--quiet", "--force", "-o"]
                let file = try prepareFile(database, folder, isSealed: isSealed)
                let validator = try #require(options(database)?["validator"])
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                // The server still executes it.
                try poll("the insert is carried out") { try database.count("c") == 20 }
                try database.delete("c", [:])
                try database.run(["collMod": "c", "validator": ["x": ["$ne": 3]]])
                let merged = try Program.run(importing(database, file))
                #expect(try merged.status == 2 && database.count("c") == 19, "\(merged.text)")
                let told = try Program.run(export + [folder.file("live.csv")]).errors
                #expect(told.contains("interrupted while it replaced c in place"), "\(told)")
                try database.run(["collMod": "c", "validator": validator])
                let whole = try Program.run(importing(database, file))
                #expect(try whole.status == 0 && database.count("c") == 20, "\(whole.text)")
                #expect(try Program.run(export + [folder.file("live.csv")]).errors == "")
                #expect(try own(database) == [])
            }
        }

        /// The file has as many rows as the one that was being imported, and the validator is the one that was kept.
        @Test func aMergeOfAnotherFileOfWhichARowIsRefusedMakesNoCollectionWhole() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                // The server still executes it.
                try poll("the insert is carried out") { try database.count("c") == 20 }
                try database.delete("c", [:])
                let text = try folder.text("old.csv")
                try folder.write(text.replacing("\"\"x\"\":3}", with: "\"\"w\"\":3}"), to: "other.csv")
                let merged = try Program.run(importing(database, folder.file("other.csv")))
                #expect(try merged.status == 2 && database.count("c") == 19, "\(merged.text)")
                let export = ["export", "--uri", server.uri(), "--db", database.name, "--quiet", "--force", "-o"]
                let told = try Program.run(export + [folder.file("live.csv")]).errors
                #expect(told.contains("interrupted while it replaced c in place"), "\(told)")
                let whole = try Program.run(importing(database, file))
                #expect(try whole.status == 0 && database.count("c") == 20, "\(whole.text)")
                #expect(try own(database) == [])
            }
        }

        @Test func aMergeBuildsWhatWasKeptOnceAndSaysSo() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                try kill(database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "insert")
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("\(Self.notice): index x, index y"), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "x", "y"])
                #expect(try own(database) == [])
                try database.run(["dropIndexes": "c", "index": "x"])
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0 && !again.errors.contains(Self.notice), "\(again.text)")
                #expect(try indexes(database) == ["_id_", "y"])
            }
        }

        /// An application's insert creates a plain collection as soon as the name is free.
        @Test func whatWasKeptCountsForACollectionThatAnInsertHasMade() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                let validator = try options(database)
                try kill(
                    database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "create",
                    ["errorCode": 2])
                try database.insert([["_id": "early", "x": 1]], into: "c")
                let outcome = try Program.run(importing(database, file, ["--mode", "replace", "--in-place"]))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("\(Self.notice): option validator, index x, index y"), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "x", "y"])
                #expect(try options(database) == validator)
                #expect(try own(database) == [])
            }
        }

        @Test func aCollectionThatWasNotDroppedYetKeepsWhatItHas() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                try kill(
                    database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "drop",
                    ["errorCode": 13])
                try database.run(["dropIndexes": "c", "index": "x"])
                let outcome = try Program.run(importing(database, file, ["--mode", "replace", "--in-place"]))
                #expect(outcome.status == 0 && !outcome.errors.contains(Self.notice), "\(outcome.text)")
                #expect(try indexes(database) == ["_id_", "y"])
                #expect(try own(database) == [])
            }
        }

        /// The server may still be executing the drop that a killed import has sent: the record stays until the next
        /// import ends.
        @Test func whatWasKeptOfACollectionThatIsThereGoesWithTheNextImport() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                try folder.write("collection,data\nother,\"{\"\"_id\"\":1}\"\n", to: "other.csv")
                try kill(
                    database, importing(database, file, ["--mode", "replace", "--in-place"]), at: "drop",
                    ["errorCode": 13])
                let outcome = try Program.run(importing(database, folder.file("other.csv")))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try own(database) == [])
            }
        }

        @Test func aCollectionIsNewThoughWhatWasKeptOfItCannotBeRemoved() throws {
            try withDatabase(on: server) { database, folder in
                let file = try prepareOldFile(database, folder)
                // The first delete checks that deleting is allowed.
                let failure = try FailPoint(server, ["delete"], mode: .skip(1), ["errorCode": 13])
                let outcome = try Program.run(importing(database, file, ["--mode", "replace", "--in-place"]))
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("c is complete; what was kept of its options"), "\(outcome.text)")
                let again = try Program.run(importing(database, file, ["--mode", "replace", "--in-place"]))
                #expect(again.status == 0, "\(again.text)")
                #expect(try own(database) == [])
            }
        }
    }
}
