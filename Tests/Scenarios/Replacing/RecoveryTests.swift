import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension BusyServerTests {
    /// What is dropped or displaced before its successor exists is never lost, and what became of it is reported.
    @Suite(.serialized) struct RecoveryTests {
        let server: OwnServer

        init() throws { server = try BusyServerTests.server.get() }

        private func importing(
            _ database: TestDatabase, _ file: String, _ mode: String = "replace", _ more: [String] = []
        ) -> [String] {
            ["import", file, "--uri", server.uri(), "--db", database.name, "--mode", mode, "--yes"] + more
        }

        private func export(_ database: TestDatabase, to file: String) throws {
            let outcome = try Program.run(["export", "--uri", server.uri(), "--db", database.name, "-o", file])
            try #require(outcome.status == 0, "\(outcome.text)")
        }

        private func emptyDatabase(_ database: TestDatabase) throws {
            for name in try database.names() { try database.drop(name) }
        }

        /// Writes a file with a view `v`, and leaves a database in which a collection has that name.
        /// - Returns: the images of this database and of the file's.
        private func prepareView(_ database: TestDatabase, _ file: String) throws -> (DatabaseImage, DatabaseImage) {
            try database.insert([["_id": 1]], into: "a")
            try database.create("v", ["viewOn": "a", "pipeline": []])
            let new = try database.image()
            try export(database, to: file)
            try emptyDatabase(database)
            try database.insert([["_id": 1]], into: "a")
            try database.create("v", indexes: [["key": ["n": 1], "name": "n"]])
            try database.insert((0..<100).map { ["_id": .int32($0), "n": .int32($0)] }, into: "v")
            return (try database.image(), new)
        }

        /// After the drop, the options would exist nowhere else.
        @Test func nothingIsDroppedWhoseOptionsNoMajorityHasKept() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("c", ["validator": ["x": ["$gte": 0]]], indexes: [["key": ["x": 1], "name": "x"]])
                try database.insert([["_id": 1, "x": 1], ["_id": 2, "x": 2]], into: "c")
                let before = try database.image()
                try folder.write("collection,data\nc,\"{\"\"_id\"\":1,\"\"x\"\":1}\"\n", to: "old.csv")
                let words = importing(database, folder.file("old.csv"), "replace", ["--in-place", "--no-infer"])
                let failure = try FailPoint(
                    server, ["update"], mode: .alwaysOn,
                    [
                        "writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"],
                        "namespace": .string("\(database.name).__mongoferry_definitions"),
                    ])
                let outcome = try Program.run(words)
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("could not confirm it"), "\(outcome.errors)")
                #expect(try database.image().collections["c"] == before.collections["c"])
                #expect(try Program.run(words).status == 0)
                #expect(try database.image().collections["c"]?.options == before.collections["c"]?.options)
            }
        }

        /// A server only detects the cycle under the view's own name.
        @Test func aViewThatTheServerRefusesLeavesTheCollectionThatHadItsName() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("two", ["viewOn": "none", "pipeline": []])
                try database.create("one", ["viewOn": "two", "pipeline": []])
                let file = folder.file("views.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try database.insert((0..<100).map { ["_id": .int32($0)] }, into: "one")
                try database.create("two", ["viewOn": "one", "pipeline": []])
                let before = try database.image()
                let outcome = try Program.run(importing(database, file, "replace", ["-c", "one"]))
                #expect(outcome.status == 1, "\(outcome.text)")
                let text = "one cannot take the place of what has its name: it would stand on itself"
                #expect(outcome.errors.contains(text), "\(outcome.errors)")
                #expect(outcome.errors.contains("The live data were not touched."), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        /// What had the name is restored, or not dropped if that is not possible.
        @Test(arguments: ["a view", "a time series", "a time series below it"])
        func aViewThatTheServerRefusesLeavesWhatHadItsName(old: String) throws {
            try withDatabase(on: server) { database, folder in
                let isCircle = old == "a time series below it"
                let pipeline: Value = isCircle ? [["$facet": ["x": [["$unionWith": ["coll": "two"]]]]]] : []
                let one: Document = ["viewOn": "none", "pipeline": pipeline]
                // Only a view with another collation is recreated rather than changed.
                try database.create("one", isCircle ? one : one.appending("collation", ["locale": "de"]))
                let file = folder.file("views.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                if old == "a view" {
                    try database.create("one", ["viewOn": "other", "pipeline": []])
                } else {
                    try database.create("one", ["timeseries": ["timeField": "at"]])
                    try database.run(["insert": "one", "documents": [["_id": 1, "at": .date(1000)]]])
                }
                try database.create("two", ["viewOn": "one", "pipeline": []])
                let before = try database.image()
                let outcome = try Program.run(importing(database, file, "replace", ["-c", "one"]))
                #expect(outcome.status == 1, "\(outcome.text)")
                let expected =
                    switch old {
                    case "a view", "a time series":
                        "one cannot take the place of what has its name: the view two, which stands on it, has another collation"
                    default: "one cannot take the place of what has its name: it would stand on itself"
                    }
                #expect(outcome.errors.contains(expected), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        /// Creates three views, each on the one before.
        private func createChain(_ database: TestDatabase, _ collation: String?) throws {
            for (name, source) in [("v1", "a"), ("v2", "v1"), ("v3", "v2")] {
                var view: Document = ["viewOn": .string(source), "pipeline": []]
                if let collation { view = view.appending("collation", ["locale": .string(collation)]) }
                try database.create(name, view)
            }
        }

        /// Servers do not give a view another collation while another view depends on it.
        @Test(arguments: [true, false])
        func viewsOnEachOtherChangeTheirCollationTogether(isInterrupted: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": "new"]], into: "a")
                try createChain(database, "de")
                let new = try database.image()
                let file = folder.file("views.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try database.insert([["_id": "old"]], into: "a")
                try createChain(database, nil)
                if isInterrupted {
                    // Before that, three views are tried out, and the collection is staged.
                    let failure = try FailPoint(server, ["create"], mode: .skip(4), ["errorCode": 2])
                    let outcome = try Program.run(importing(database, file))
                    try failure.end()
                    #expect(outcome.status == 1, "\(outcome.text)")
                    for name in ["v1", "v2"] {
                        #expect(!(try database.names().contains(name)))
                        #expect(
                            outcome.errors.contains("The old view \(name) could not be created"), "\(outcome.errors)")
                    }
                    #expect(outcome.errors.contains("New already: a. Still old: v3."), "\(outcome.errors)")
                    #expect(outcome.errors.contains("was to get another collation: v2."), "\(outcome.errors)")
                    #expect(try database.documents(in: "a") == [["_id": "new"]])
                }
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        private static let german: Document = ["locale": "de"]

        private func create(
            _ name: String, on source: String, _ collation: Document?, looksUp other: String? = nil,
            _ database: TestDatabase
        ) throws {
            let stages: [Value] = other.map { [["$unionWith": ["coll": .string($0)]]] } ?? []
            var view: Document = ["viewOn": .string(source), "pipeline": .array(stages)]
            if let collation { view = view.appending("collation", .document(collation)) }
            try database.create(name, view)
        }

        /// A view depends on the views in its stages just as on the one that it is defined on.
        @Test(arguments: [true, false]) func viewsThatLookOthersUpComeAfterThem(isTurned: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                try create("v2", on: "a", Self.german, database)
                try create("v1", on: "a", Self.german, looksUp: "v2", database)
                let new = try database.image()
                let file = folder.file("views.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                if isTurned {
                    try create("v1", on: "a", Self.german, database)
                    try create("v2", on: "a", Self.german, looksUp: "v1", database)
                } else {
                    try create("v2", on: "a", nil, database)
                    try create("v1", on: "a", nil, looksUp: "v2", database)
                }
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        /// To a server, a time series is a view on its buckets, with its own collation.
        @Test(arguments: ["nothing", "a view", "a time series"])
        func aTimeSeriesAndTheViewsOnItChangeTheirCollationTogether(live: String) throws {
            try withDatabase(on: server) { database, folder in
                let series: Document = ["timeseries": ["timeField": "at"]]
                try database.create("ticks", series.appending("collation", .document(Self.german)))
                try database.run(["insert": "ticks", "documents": [["_id": 1, "at": .date(1000)]]])
                try create("w", on: "ticks", Self.german, database)
                let new = try database.image()
                let file = folder.file("ticks.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                switch live {
                case "a view": try create("ticks", on: "a", nil, database)
                case "a time series": try database.create("ticks", series)
                default: break
                }
                try create("w", on: "ticks", nil, database)
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        /// It is a collection by then, on which views may have any collation.
        @Test func aCollectionInATimeSeriesPlaceMayHaveViewsOfAnotherCollation() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "ticks")
                try create("w", on: "ticks", Self.german, database)
                let new = try database.image()
                let file = folder.file("ticks.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try database.create("ticks", ["timeseries": ["timeField": "at"]])
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        /// A view that was already dropped is restored if the next one cannot be dropped.
        @Test func aViewThatWasClearedAwayComesBackWhereAnotherCannotBe() throws {
            try withDatabase(on: server) { database, folder in
                // Servers list them in no order: of many, some are dropped before the one that cannot be.
                let names = (2...9).map { "v\($0)" }
                func fill(_ collation: Document?) throws {
                    try create("v1", on: "none", collation, database)
                    for name in names { try create(name, on: "v1", collation, database) }
                }
                try fill(Self.german)
                let file = folder.file("views.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try fill(nil)
                let before = try database.image()
                let namespace = Value.string("\(database.name).v3")
                let failure = try FailPoint(
                    server, ["drop"], mode: .alwaysOn, ["errorCode": 2, "namespace": namespace])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("Still old: v1, \(names.joined(separator: ", "))."), "\(outcome.errors)")
                #expect(!outcome.errors.contains("Gone, since"), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        /// Its drop was sent, and nobody knows that it was not carried out.
        @Test func aViewThatWasNotClearedAwayIsNotCalledGone() throws {
            try withDatabase(on: server) { database, folder in
                func fill(_ collation: Document?) throws {
                    try create("v1", on: "none", collation, database)
                    try create("v2", on: "v1", collation, database)
                }
                try fill(Self.german)
                let file = folder.file("views.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try fill(nil)
                let before = try database.image()
                let failure = try FailPoint(
                    server, ["drop"], mode: .alwaysOn,
                    [
                        "errorCode": 6, "errorLabels": ["RetryableWriteError"],
                        "namespace": .string("\(database.name).v2"),
                    ])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(!outcome.errors.contains("Gone, since"), "\(outcome.errors)")
                #expect(!outcome.errors.contains("could not be created again"), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        /// What can be known is reported before anything is replaced.
        @Test func aViewThatTheServerWouldRefuseKeepsTheCollectionsFromBeingSwapped() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": "new"]], into: "a")
                try database.create(
                    "v1", ["viewOn": "a", "pipeline": [], "collation": ["locale": "de"]])
                let file = folder.file("view.csv")
                try export(database, to: file)
                for live in ["a view", "a collection", "nothing"] {
                    try emptyDatabase(database)
                    try database.insert([["_id": "old"]], into: "a")
                    if live == "a view" { try database.create("v1", ["viewOn": "a", "pipeline": []]) }
                    if live == "a collection" { try database.insert([["_id": 1]], into: "v1") }
                    try database.create("w", ["viewOn": "v1", "pipeline": []])
                    let before = try database.image()
                    let outcome = try Program.run(importing(database, file))
                    #expect(outcome.status == 1, "\(outcome.text)")
                    let text =
                        "v1 cannot take the place of what has its name: the view w, which stands on it, has another collation"
                    #expect(outcome.errors.contains(text), "\(outcome.errors)")
                    #expect(try database.image().differences(from: before) == [])
                }
            }
        }

        /// A server refuses it only under its own name, by which time the collections would exist.
        @Test(arguments: ["a view", "a time series", "a circle"])
        func whatTheServerWouldRefuseKeepsAMergeFromBeginning(new: String) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": "new"]], into: "a")
                switch new {
                case "a view": try create("v1", on: "a", Self.german, database)
                case "a time series":
                    try database.create(
                        "v1", ["timeseries": ["timeField": "at"], "collation": .document(Self.german)])
                default: try create("v1", on: "w", nil, database)
                }
                let file = folder.file("new.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try create("w", on: "v1", nil, database)
                let before = try database.image()
                let why =
                    new == "a circle"
                    ? "it would stand on itself" : "the view w, which stands on it, has another collation"
                for mode in ["merge", "insert"] {
                    let outcome = try Program.run(importing(database, file, mode))
                    #expect(outcome.status == 1, "\(mode): \(outcome.text)")
                    #expect(outcome.errors.contains("v1 cannot be created: \(why)"), "\(mode): \(outcome.errors)")
                    #expect(outcome.errors.contains("Nothing was written."), "\(mode): \(outcome.errors)")
                    #expect(try database.image().differences(from: before) == [], "\(mode)")
                }
            }
        }

        @Test func aTimeSeriesThatTheServerRefusesBecauseOfAViewLeavesTheOldOne() throws {
            try withDatabase(on: server) { database, folder in
                let options: Document = ["timeseries": ["timeField": "at"]]
                try database.create("ticks", options.appending("collation", ["locale": "de"]))
                let file = folder.file("ticks.csv")
                try export(database, to: file)
                try emptyDatabase(database)
                try database.create("ticks", options)
                try database.run(["insert": "ticks", "documents": [["_id": 1, "at": .date(1000)]]])
                try database.create("seen", ["viewOn": "ticks", "pipeline": []])
                let before = try database.image()
                let outcome = try Program.run(importing(database, file))
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(
                        "ticks cannot take the place of what has its name: the view seen, which stands on it, has another"
                    ),
                    "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        @Test func aViewThatCannotBeCreatedLeavesTheCollectionAndARerunFinishesIt() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("view.csv")
                let (old, new) = try prepareView(database, file)
                // Before that, the view is tried out, and the collection is staged.
                let failure = try FailPoint(server, ["create"], mode: .skip(2), ["errorCode": 2])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1 && outcome.errors.contains("Every collection is whole."), "\(outcome.text)")
                #expect(try database.image().differences(from: old) == [])
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        @Test func aCollectionThatCannotMakeRoomForAViewStaysWithoutARecord() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("view.csv")
                let (old, _) = try prepareView(database, file)
                let failure = try FailPoint(server, ["renameCollection"], mode: .alwaysOn, ["errorCode": 2])
                let outcome = try Program.run(importing(database, file, "replace", ["-c", "v"]))
                try failure.end(times: 1)
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("New already: none. Still old: v.")
                        && outcome.errors.contains("Every collection is whole."), "\(outcome.errors)")
                #expect(try database.image().differences(from: old) == [])
            }
        }

        @Test func aCollectionThatDoesNotGetItsNameBackIsToldWithItsPlaceAndTheNextImportFindsIt() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("view.csv")
                let (old, new) = try prepareView(database, file)
                // Before that, the view is tried out, the collection staged and swapped in, the other one displaced.
                let failure = try FailPoint(
                    server, ["create", "renameCollection"], mode: .skip(4), ["errorCode": 2])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains(", and the collection v did not get its name back: "), "\(outcome.errors)")
                #expect(
                    outcome.errors.contains("Whether v is still there could not be seen"), "\(outcome.errors)")
                #expect(!outcome.errors.contains("is whole"), "\(outcome.errors)")
                let place = try #require(
                    outcome.errors.firstMatch(of: /Its documents are in (\S+)\. The next import gives them/)?.1,
                    "\(outcome.errors)")
                let image = try database.image()
                #expect(image.collections["v"] == nil)
                #expect(image.collections[String(place)]?.documents == old.collections["v"]?.documents)
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
                #expect(again.errors.contains("collections have got their names back: v"), "\(again.errors)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        /// Kills a replace by a file with a view `v` once the collection of that name is displaced.
        private func killDisplacing(_ database: TestDatabase, _ file: String) throws {
            // The first rename is that of the collection `a`, the second displaces. On a busy machine, a shorter pause
            // would be over before the program is stopped, and the view would exist.
            let pause = try FailPoint(
                server, ["renameCollection"], mode: .skip(1), ["blockConnection": true, "blockTimeMS": 3000])
            let program = try Program(importing(database, file))
            try pause.waitUntilEntered()
            // Its connection stays open until then: servers may abort a command whose client is gone.
            program.send(SIGSTOP)
            try poll("it is displaced") { try !database.names().contains("v") }
            program.send(SIGKILL)
            _ = try program.wait()
            try pause.end()
        }

        @Test(arguments: ["the same file", "another file", "another file, merged"])
        func aCollectionThatWasDisplacedWhenTheImportWasKilledIsNotLost(next: String) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "other")
                let other = folder.file("other.csv")
                try export(database, to: other)
                try emptyDatabase(database)
                let file = folder.file("view.csv")
                let (old, new) = try prepareView(database, file)
                try killDisplacing(database, file)
                let isSame = next == "the same file"
                let outcome = try Program.run(
                    importing(database, isSame ? file : other, next.hasSuffix("merged") ? "merge" : "replace"))
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(outcome.errors.contains("collections have got their names back: v"), "\(outcome.errors)")
                var image = try database.image()
                image.collections["other"] = nil
                #expect(image.differences(from: isSame ? new : old) == [], "\(outcome.text)")
            }
        }

        /// When the replace was confirmed, the collection with its documents was not there.
        @Test func aCollectionThatGetsItsNameBackIsNotReplacedUnasked() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": "another"]], into: "v")
                let other = folder.file("other.csv")
                try export(database, to: other)
                try emptyDatabase(database)
                let file = folder.file("view.csv")
                let (old, _) = try prepareView(database, file)
                try killDisplacing(database, file)
                let outcome = try Program.run(importing(database, other))
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("collections have got their names back: v"), "\(outcome.errors)")
                #expect(try database.image().collections["v"]?.documents == old.collections["v"]?.documents)
                #expect(try Program.run(importing(database, other)).status == 0)
                #expect(try database.documents(in: "v") == [["_id": "another"]])
            }
        }

        /// The file has a view of that name, which a merge does not put in a collection's place.
        @Test func aMergeThatGivesACollectionItsNameBackStopsBeforeItWrites() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("view.csv")
                let (old, _) = try prepareView(database, file)
                try killDisplacing(database, file)
                try database.delete("a", [:])
                let outcome = try Program.run(importing(database, file, "merge"))
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("collections have got their names back: v"), "\(outcome.errors)")
                #expect(try database.count("a") == 0)
                #expect(try database.image().collections["v"] == old.collections["v"])
            }
        }

        /// A collection was to take the view's place, which the server refuses.
        @Test func aViewThatMakesRoomInVainComesBack() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                try database.insert([["_id": 1]], into: "v")
                let file = folder.file("all.csv")
                try export(database, to: file)
                try database.drop("v")
                try database.create("v", ["viewOn": "a", "pipeline": [["$match": ["x": 1]]]])
                let old = try database.image()
                let failure = try FailPoint(server, ["renameCollection"], mode: .skip(1), ["errorCode": 20])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(
                    outcome.errors.contains("New already: a. Still old: v.")
                        && outcome.errors.contains("Every collection is whole."), "\(outcome.errors)")
                #expect(try database.image().collections["v"]?.options == old.collections["v"]?.options)
                #expect(try Program.run(importing(database, file)).status == 0)
                #expect(try database.documents(in: "v") == [["_id": 1]])
            }
        }

        @Test func aViewThatIsGoneIsToldWithTheStateOfTheCollections() throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1]], into: "a")
                try database.create("v", ["viewOn": "a", "pipeline": [], "collation": ["locale": "en"]])
                let new = try database.image()
                let file = folder.file("view.csv")
                try export(database, to: file)
                try database.drop("v")
                try database.create("v", ["viewOn": "a", "pipeline": []])
                let failure = try FailPoint(server, ["create"], mode: .skip(2), ["errorCode": 2])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("New already: a. Still old: none."), "\(outcome.errors)")
                #expect(outcome.errors.contains("The view v is gone: it was dropped"), "\(outcome.errors)")
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: new) == [])
            }
        }

        // MARK: In place

        /// Such a file has no options, indexes and types, and a replace in place drops them with the collection.
        @Test(arguments: ["create", "insert", "createIndexes"], [SIGKILL, SIGINT])
        func optionsIndexesAndTypesOutliveAReplaceInPlaceByAnOldFileThatIsStopped(command: String, signal: Int32) throws
        {
            try withDatabase(on: server) { database, folder in
                try database.create(
                    "c", ["validator": ["$expr": ["$gte": ["$x", 0]]]],
                    indexes: [
                        ["key": ["x": 1], "name": "x", "unique": true], ["key": ["y": 1], "name": "y"],
                    ])
                let documents: [Document] = (0..<20).map {
                    ["_id": .int32($0), "x": .int64(Int64($0)), "y": "a", "z": [["n": .double(Double($0))]]]
                }
                try database.insert(documents, into: "c")
                let expected = try database.image()
                let rows = (0..<20).map {
                    "c,\"{\"\"_id\"\":\($0),\"\"x\"\":\($0),\"\"y\"\":\"\"a\"\",\"\"z\"\":[{\"\"n\"\":\($0)}]}\"\n"
                }
                try folder.write("collection,data\n" + rows.joined(), to: "old.csv")
                let words = importing(database, folder.file("old.csv"), "replace", ["--in-place"])
                // Only on `c`, not on the collection in which the definition is tried.
                let pause = try FailPoint(
                    server, [command], mode: .skip(0),
                    [
                        "blockConnection": true, "blockTimeMS": 500, "namespace": .string("\(database.name).c"),
                    ])
                let program = try Program(words)
                try pause.waitUntilEntered()
                program.send(signal)
                _ = try program.wait()
                try pause.end()
                let again = try Program.run(words)
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.image().differences(from: expected) == [], "\(again.text)")
            }
        }

        @Test(arguments: [false, true]) func aDropThatIsRefusedLeavesTheCollectionAndSaysSo(isOldFile: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert([["_id": 1, "n": 1]], into: "c")
                let file = folder.file("c.csv")
                if isOldFile {
                    try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n", to: "c.csv")
                } else {
                    try export(database, to: file)
                }
                try database.insert([["_id": 2, "n": 2]], into: "c")
                let before = try database.image()
                // Only the drop of `c`, not that of the collection in which the definition is tried.
                let failure = try FailPoint(
                    server, ["drop"], mode: .times(1),
                    ["errorCode": 13, "namespace": .string("\(database.name).c")])
                let outcome = try Program.run(importing(database, file, "replace", ["--in-place"]))
                try failure.end()
                #expect(outcome.status == 1, "\(outcome.text)")
                #expect(outcome.errors.contains("New already: none. Still old: c."), "\(outcome.errors)")
                #expect(!outcome.errors.contains("not complete"), "\(outcome.errors)")
                #expect(try database.image().differences(from: before) == [])
            }
        }

        @Test func whatTheServerRefusesOfATimeSeriesIsFoundOutWhileTheOldOneIsThere() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("ticks", ["timeseries": ["timeField": "at"]])
                try database.run(["insert": "ticks", "documents": [["_id": 1, "at": .date(1000)]]])
                let before = try database.image()
                let file = folder.file("ticks.csv")
                let odd = BackupMetadata.Collection(
                    name: "ticks", kind: .timeseries,
                    options: ["timeseries": ["timeField": "at", "granularity": "seconds", "bucketAge": 100]])
                var indexed = BackupMetadata.Collection(
                    name: "ticks", kind: .timeseries, options: ["timeseries": ["timeField": "at"]])
                indexed.indexes = [["v": 2, "key": ["at": 1], "name": "odd", "quantum": true]]
                for (entry, status) in [(odd, 1), (indexed, 2)] as [(BackupMetadata.Collection, Int32)] {
                    let writer = try BackupWriter(
                        .file(path: file, overwriting: true), compression: .none, plain: false,
                        metadata: BackupMetadata(created: nil, program: "test", database: "test", collections: [entry]))
                    _ = try writer.finish(counts: ["ticks": 0])
                    for more in [[], ["--in-place"]] {
                        let outcome = try Program.run(importing(database, file, "replace", more))
                        #expect(outcome.status == status, "\(outcome.text)")
                        #expect(
                            outcome.errors.lowercased().contains("the live data were not touched"), "\(outcome.errors)")
                        #expect(try database.image().differences(from: before) == [])
                    }
                }
            }
        }

        /// Fills a time series with 500 measurements and exports it.
        private func exportMeasurements(_ database: TestDatabase, to file: String) throws {
            try database.create("ticks", ["timeseries": ["timeField": "at"]])
            let documents: [Value] = (0..<500).map { ["_id": .int32($0), "at": .date(Int64($0) * 1000)] }
            try database.run(["insert": "ticks", "documents": .array(documents)])
            try export(database, to: file)
        }

        /// The insert continues when nobody waits for it, and what it writes must not get into the new collection.
        @Test(arguments: ["mongoferry", "Cluster0"])
        func measurementsOfAnInsertThatNobodyWaitsForDoNotComeTwice(application: String) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("ticks.csv")
                try exportMeasurements(database, to: file)
                let failure = try FailPoint(
                    server, ["insert"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 3000],
                    appName: application)
                let outcome = try Program.run([
                    "import", file, "--uri", server.uri("", "socketTimeoutMS=700&appName=\(application)"), "--db",
                    database.name, "--mode", "replace", "--yes",
                ])
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                Thread.sleep(forTimeInterval: 3.5)
                #expect(try database.documents(in: "ticks").count == 500)
            }
        }

        @Test(arguments: [["errorCode": 10107], ["errorCode": 11602], ["closeConnection": true]] as [Document])
        func aFaultThatPassesDoesNotStopTheReplacingOfATimeSeries(fault: Document) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("ticks.csv")
                try exportMeasurements(database, to: file)
                let failure = try FailPoint(server, ["insert"], mode: .times(1), fault)
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.documents(in: "ticks").count == 500)
            }
        }

        /// What the killed program had sent must not overwrite what the next import writes.
        @Test func aWriteOfAProgramThatWasKilledIsWaitedFor() throws {
            try withDatabase(on: server) { database, folder in
                for (name, value) in [("old", 1), ("new", 2)] as [(String, Int32)] {
                    try database.insert((0..<200).map { ["_id": .int32($0), "n": .int32(value)] }, into: "c")
                    let export = try Program.run([
                        "export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("\(name).csv"),
                    ])
                    #expect(export.status == 0, "\(export.text)")
                    try database.drop("c")
                }
                try database.insert((0..<200).map { ["_id": .int32($0), "n": 0] }, into: "c")
                let pause = try FailPoint(
                    server, ["update"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 4000])
                func merge(_ name: String) -> [String] {
                    ["import", folder.file("\(name).csv"), "--uri", server.uri(), "--db", database.name]
                }
                let killed = try Program(merge("old"))
                try pause.waitUntilEntered()
                killed.send(SIGKILL)
                _ = try killed.wait()
                let outcome = try Program.run(merge("new"))
                try pause.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                Thread.sleep(forTimeInterval: 4)
                #expect(try database.count("c", ["n": 2]) == 200)
            }
        }

        // MARK: Others are in the way

        @Test(arguments: [12587, 112, 24, 50] as [Int32])
        func aSwapWaitsForWhatIsInItsWay(code: Int32) throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(server, ["renameCollection"], mode: .times(3), ["errorCode": .int32(code)])
                let outcome = try Program.run(importing(database, file))
                try failure.end()
                #expect(outcome.status == 0, "\(outcome.text)")
                #expect(try database.image().differences(from: data.new) == [], "\(outcome.text)")
            }
        }

        @Test func aSwapThatWaitsCanBeInterrupted() throws {
            try withDatabase(on: server) { database, folder in
                let file = folder.file("new.csv")
                let data = try FaultData(database, file: file, uri: server.uri())
                let failure = try FailPoint(
                    server, ["renameCollection"], mode: .alwaysOn,
                    ["errorCode": 12587, "blockConnection": true, "blockTimeMS": 100])
                let outcome = try Program(importing(database, file)).interrupted(at: failure)
                #expect(outcome.status == 130, "\(outcome.text)")
                #expect(outcome.errors.contains("New already: none."), "\(outcome.errors)")
                #expect(try data.newOnes(in: database) == [])
                let again = try Program.run(importing(database, file))
                #expect(again.status == 0, "\(again.text)")
            }
        }

        /// Drops the collection while the merge's first batch is on its way, and waits for the merge's end.
        private func dropC(of database: TestDatabase, whileMerged file: String) throws -> Program.Outcome {
            let pause = try FailPoint(
                server, ["insert"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 2000])
            let program = try Program(importing(database, file, "merge"))
            try pause.waitUntilEntered()
            try database.drop("c")
            let outcome = try program.wait()
            try pause.end()
            #expect(outcome.status == 2, "\(outcome.text)")
            return outcome
        }

        /// The next batch recreates the collection, without its options.
        @Test func optionsThatAreLostWhileACollectionIsMergedAreTold() throws {
            try withDatabase(on: server) { database, folder in
                try database.create("c", ["validator": ["n": ["$exists": true]]])
                try database.insert((0..<100).map { ["_id": .int32($0), "n": 1] }, into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                try database.delete("c", ["_id": ["$gte": 10]])
                let outcome = try dropC(of: database, whileMerged: file)
                #expect(
                    outcome.errors.contains("c has not all of the file's options any more: validator"),
                    "\(outcome.text)")
                #expect(outcome.errors.contains("Drop c before the import is run again"), "\(outcome.text)")
                try database.drop("c")
                let again = try Program.run(importing(database, file, "merge"))
                #expect(again.status == 0, "\(again.text)")
                let verified = try Program.run(["verify", file, "--uri", server.uri(), "--db", database.name])
                #expect(verified.status == 0, "\(verified.text)")
            }
        }

        @Test(arguments: [true, false]) func aCollectionThatIsDroppedWhileItIsMergedIsTold(isThere: Bool) throws {
            try withDatabase(on: server) { database, folder in
                try database.insert((0..<100).map { ["_id": .int32($0)] }, into: "c")
                let file = folder.file("c.csv")
                try export(database, to: file)
                if isThere { try database.delete("c", ["_id": ["$gte": 10]]) } else { try database.drop("c") }
                let outcome = try dropC(of: database, whileMerged: file)
                #expect(
                    outcome.errors.contains("c was dropped or replaced by another program during the import"),
                    "\(outcome.text)")
                #expect(
                    outcome.errors.hasSuffix("Run the import again: it writes what is gone.\n"), "\(outcome.text)")
                let again = try Program.run(importing(database, file, "merge"))
                #expect(again.status == 0, "\(again.text)")
                #expect(try database.documents(in: "c").count == 100)
            }
        }
    }
}
