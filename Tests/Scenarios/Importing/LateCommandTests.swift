import BSON
import Foundation
import MongoDriver
import Testing

@testable import MongoFerry

/// Commands whose answers nobody has waited for and which the server executes late, and what others do meanwhile.
extension BusyServerTests.MeanwhileTests {
    /// The program gives up on an answer that takes longer than this socket timeout, while the server goes on.
    func impatient(_ database: TestDatabase, _ file: String, _ more: [String]) -> [String] {
        let uri = server.uri()
        return ["import", file, "--uri", uri + (uri.contains("?") ? "&" : "/?") + "socketTimeoutMS=700"]
            + ["--db", database.name, "--mode", "replace", "--yes"] + more
    }

    private func isUnderWay(_ command: String, in database: TestDatabase) throws -> Bool {
        let pipeline: Value = [
            ["$currentOp": [:]], ["$match": .document(["command.\(command)": ["$exists": true], "active": true])],
            ["$match": ["appName": "mongoferry"]],
        ]
        let reply = try database.client.run(["aggregate": 1, "pipeline": pipeline, "cursor": [:]], on: "admin")
        return reply["cursor"]?.document?["firstBatch"]?.array?.isEmpty == false
    }

    /// The first attempt of a command may outlast the second: it would then create again what was removed since.
    @Test(
        arguments: ["createIndexes", "create", "findAndModify"],
        [["--mode", "replace", "--yes"], ["--mode", "replace", "--in-place", "--yes"], ["--mode", "merge"]])
    func aFirstAttemptThatIsLateLeavesNothingBehind(command: String, mode: [String]) throws {
        try withDatabase(on: server) { database, folder in
            try database.create("a", indexes: [["key": ["x": 1], "name": "x"]])
            try database.create("t", ["timeseries": ["timeField": "at"]])
            try database.create("v", ["viewOn": "a", "pipeline": []])
            try database.insert((0..<20).map { ["_id": .int32($0)] }, into: "a")
            let file = folder.file("a.csv")
            try export(database, to: file)
            let expected = try database.image()
            if mode.contains("merge") { for name in ["v", "t", "a"] { try database.drop(name) } }
            let pause = try FailPoint(
                server, [command], mode: .times(1), ["blockConnection": true, "blockTimeMS": 1500])
            let outcome = try Program.run(
                ["import", file, "--uri", server.uri("", "socketTimeoutMS=500"), "--db", database.name] + mode)
            try pause.end()
            #expect(outcome.status == 0, "\(outcome.text)")
            try poll("the first attempt's end") { try !isUnderWay(command, in: database) }
            #expect(try database.image().differences(from: expected) == [])
        }
    }

    /// The driver does not send it again: then nothing tells the server that the second attempt is the same.
    @Test func aLockThatIsTakenLateIsGivenBackAsWell() throws {
        try withDatabase(on: server) { database, folder in
            try folder.write("collection,data\na,\"{\"\"_id\"\":1}\"\n", to: "a.csv")
            let pause = try FailPoint(
                server, ["findAndModify"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 1500])
            let uri = server.uri("", "socketTimeoutMS=500&retryWrites=false")
            let outcome = try Program.run(
                ["import", folder.file("a.csv"), "--uri", uri, "--db", database.name, "--no-legacy"])
            try pause.end()
            #expect(outcome.status == 0, "\(outcome.text)")
            try poll("the first attempt's end") { try !isUnderWay("findAndModify", in: database) }
            #expect(try database.names() == ["a"])
        }
    }

    @Test(arguments: ["in place", "over a view", "time series"])
    func aDropThatIsCarriedOutLateTakesNothingOfTheNewAway(kind: String) throws {
        try withDatabase(on: server) { database, folder in
            if kind == "time series" { try database.create("c", ["timeseries": ["timeField": "at"]]) }
            try database.run([
                "insert": "c", "documents": .array((0..<5).map { ["_id": .int32($0), "at": .date(Int64($0) * 1000)] }),
            ])
            let new = try database.image()
            let file = folder.file("new.csv")
            try export(database, to: file)
            if kind == "over a view" {
                try database.drop("c")
                try database.create("c", ["viewOn": "other", "pipeline": []])
            }
            let outcome = try server.hold(
                "drop", "\(database.name).c", 2500, answer: [:],
                of: impatient(database, file, kind == "in place" ? ["--in-place"] : [])
            ) {}
            try poll("the end of the first drop") { try !isUnderWay("drop", in: database) }
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: new) == [], "\(outcome.text)")
        }
    }

    /// The drop is executed, but its answer and the lock are lost.
    @Test func whatWasKeptOfACollectionStaysWhereNobodyKnowsWhetherItWasDropped() throws {
        try withDatabase(on: server) { database, folder in
            try database.create(
                "c", ["validator": ["a": ["$exists": true]]], indexes: [["key": ["a": 1], "name": "a_1"]])
            try database.insert([["_id": 1, "a": 1]], into: "c")
            let old = try database.image()
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1,\"\"a\"\":1}\"\n", to: "bare.csv")
            let words = ["--in-place", "--no-infer"]
            let outcome = try server.hold(
                "drop", "\(database.name).c", 2500, answer: [:],
                of: impatient(database, folder.file("bare.csv"), words)
            ) {
                try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
            }
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("c was being replaced in place and is not complete"), "\(outcome.text)")
            #expect(!outcome.errors.contains("Still old"), "\(outcome.text)")
            try database.drop("__mongoferry_lock")
            let again = try Program.run(
                importing(database, folder.file("bare.csv"), ["--mode", "replace", "--yes"] + words))
            #expect(again.status == 0, "\(again.text)")
            #expect(try database.image().differences(from: old) == [], "\(again.text)")
        }
    }

    /// The collection has been renamed, but the answer is lost.
    @Test func aCollectionWhoseDisplacementIsUnknownGetsItsNameBack() throws {
        try withDatabase(on: server) { database, folder in
            try database.insert([["_id": 1]], into: "other")
            try database.create("c", ["viewOn": "other", "pipeline": []])
            let file = folder.file("new.csv")
            try export(database, to: file)
            try database.drop("c")
            try database.insert([["_id": 2], ["_id": 3]], into: "c")
            let before = try database.documents(in: "c")
            let outcome = try server.hold(
                "renameCollection", "", 2500, answer: [:], of: impatient(database, file, ["--collection", "c"])
            ) {
                try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
            }
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("its documents are in __mongoferry_displaced."), "\(outcome.text)")
            #expect(!outcome.errors.contains("Still old: c"), "\(outcome.text)")
            #expect(outcome.errors.contains("What is there now was not looked at."), "\(outcome.text)")
            #expect(!outcome.errors.contains("is whole"), "\(outcome.text)")
            try poll("the end of the rename") { try !isUnderWay("renameCollection", in: database) }
            try database.drop("__mongoferry_lock")
            let other = folder.file("other.csv")
            try folder.write("collection,data\nmore,\"{\"\"_id\"\":1}\"\n", to: "other.csv")
            let next = try Program.run(importing(database, other, []))
            #expect(next.errors.contains("collections have got their names back: c"), "\(next.text)")
            #expect(try database.documents(in: "c") == before)
        }
    }

    @Test func aChangeOfAViewThatAKilledImportHasSentIsWaitedFor() throws {
        try withDatabase(on: server) { database, folder in
            try database.insert([["_id": 1]], into: "other")
            for kind in ["a", "b"] {
                try database.create("v", ["viewOn": "other", "pipeline": [["$match": ["kind": .string(kind)]]]])
                try export(database, to: folder.file("\(kind).csv"))
                try database.drop("v")
            }
            try database.create("v", ["viewOn": "other", "pipeline": []])
            let pause = try FailPoint(
                server, ["collMod"], mode: .times(1), ["blockConnection": true, "blockTimeMS": 3000])
            let killed = try Program(importing(database, folder.file("a.csv"), ["--mode", "replace", "--yes"]))
            try pause.waitUntilEntered()
            killed.send(SIGKILL)
            _ = try killed.wait()
            let next = try Program.run(importing(database, folder.file("b.csv"), ["--mode", "replace", "--yes"]))
            #expect(next.status == 0, "\(next.text)")
            try poll("the end of the first change") { try !isUnderWay("collMod", in: database) }
            try pause.end()
            let view = try #require(
                try database.client.listCollections(in: database.name, named: ["v"]).first)
            #expect(view.options["pipeline"] == [["$match": ["kind": "b"]]])
        }
    }

    /// Index builds are no error: they change no existing data.
    @Test(arguments: ["insert", "createIndexes"])
    func anEarlierWriteThatDoesNotEndIsAnError(command: String) throws {
        try withDatabase(on: server) { database, folder in
            try database.create("c", indexes: [["key": ["a": 1], "name": "a_1"]])
            try database.insert([["_id": 1, "a": 1]], into: "c")
            let whole = try database.image()
            let file = folder.file("c.csv")
            try export(database, to: file)
            try database.delete("c", [:])
            try database.run(["dropIndexes": "c", "index": "a_1"])
            let pause = try FailPoint(
                server, [command], mode: .times(1),
                ["blockConnection": true, "blockTimeMS": 4000, "namespace": .string("\(database.name).c")])
            let killed = try Program(importing(database, file, []))
            try pause.waitUntilEntered()
            killed.send(SIGKILL)
            _ = try killed.wait()
            let earlier = EarlierWrites(
                pool: database.pool, database: database.name, cancellation: Cancellation(),
                patience: .milliseconds(300))
            if command == "insert" {
                let error = #expect(throws: FerryError.self) { try earlier.waitForEnd() }
                #expect(
                    error?.text.hasSuffix("is still under way on the server") == true, "\(String(describing: error))")
            } else {
                #expect(try earlier.waitForEnd())
            }
            #expect(try isUnderWay(command, in: database))
            let next = try Program.run(importing(database, file, []))
            #expect(next.status == 0, "\(next.text)")
            try pause.end()
            #expect(try database.image().differences(from: whole) == [])
        }
    }

    /// Another program has inserted documents where a view, or nothing, was when the plan was made.
    @Test(arguments: ["a view in the file", "a view before", "a view before, in place"])
    func documentsThatComeWhereNoneWereAreTold(kind: String) throws {
        try withDatabase(on: server) { database, folder in
            try database.insert([["_id": 1]], into: "other")
            if kind == "a view in the file" {
                try database.create("c", ["viewOn": "other", "pipeline": [["$match": ["x": 1]]]])
            } else {
                try database.insert([["_id": "file"]], into: "c")
            }
            let file = folder.file("new.csv")
            try export(database, to: file)
            try database.drop("c")
            if kind != "a view in the file" { try database.create("c", ["viewOn": "other", "pipeline": []]) }
            let outcome = try server.hold(
                "findAndModify", "\(database.name).__mongoferry_lock", answer: [:],
                of: importing(
                    database, file, ["--mode", "replace", "--yes"] + (kind.hasSuffix("place") ? ["--in-place"] : []))
            ) {
                if kind != "a view in the file" { try database.drop("c") }
                try database.insert((0..<5).map { ["_id": .int32($0)] }, into: "c")
            }
            #expect(outcome.status == 2, "\(outcome.text)")
            #expect(outcome.errors.contains("c: 5 documents came from other programs"), "\(outcome.text)")
        }
    }

    /// The file's view comes after the time series and is defined on another collection; the existing view is defined
    /// on the time series.
    @Test func theOldViewOnATimeSeriesIsNotInItsWay() throws {
        try withDatabase(on: server) { database, folder in
            func measurements(_ count: Int32) -> Value {
                .array((0..<count).map { ["_id": .int32($0), "at": .date(Int64($0) * 1000)] })
            }
            try database.create("t", ["timeseries": ["timeField": "at"], "collation": ["locale": "fr"]])
            try database.run(["insert": "t", "documents": measurements(3)])
            try database.insert([["_id": 1]], into: "c")
            try database.create("v", ["viewOn": "c", "pipeline": []])
            let new = try database.image()
            let file = folder.file("new.csv")
            try export(database, to: file)
            for name in ["v", "t"] { try database.drop(name) }
            try database.create("t", ["timeseries": ["timeField": "at"]])
            try database.run(["insert": "t", "documents": measurements(5)])
            try database.create("v", ["viewOn": "t", "pipeline": []])
            let outcome = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.image().differences(from: new) == [], "\(outcome.text)")
        }
    }

    /// Without metadata in the file, the options and indexes of a collection are kept even if it is created after the
    /// plan is made.
    @Test(arguments: [[], ["--in-place"]])
    func theDefinitionOfACollectionThatComesAfterThePlanIsNotLost(more: [String]) throws {
        try withDatabase(on: server) { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1,\"\"n\"\":1}\"\n", to: "bare.csv")
            let words = ["--mode", "replace", "--yes", "--no-infer"] + more
            let outcome = try server.hold(
                "findAndModify", "\(database.name).__mongoferry_lock", answer: [:],
                of: importing(database, folder.file("bare.csv"), words)
            ) {
                try database.create(
                    "c", ["validator": ["_id": ["$exists": true]]],
                    indexes: [["key": ["n": 1], "name": "n_1", "unique": true]])
            }
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(
                outcome.errors.contains("another program has changed it since the plan was made"), "\(outcome.text)")
            let again = try Program.run(importing(database, folder.file("bare.csv"), words))
            #expect(again.status == 0, "\(again.text)")
            let made = try #require(try database.client.listCollections(in: database.name, named: ["c"]).first)
            #expect(made.options["validator"] == ["_id": ["$exists": true]])
            let indexes = try database.client.listIndexes(of: Namespace(database.name, "c"))
            #expect(indexes.contains { $0["name"] == "n_1" && $0["unique"] == true })
        }
    }

    /// Exit status 2 has reported it: nothing is unfinished, and nothing is restored that somebody has since made and
    /// dropped.
    @Test func anIndexThatWasRefusedIsNoInterruption() throws {
        try withDatabase(on: server) { database, folder in
            try database.create(
                "c",
                indexes: [
                    ["key": ["a": 1], "name": "a_1", "unique": true], ["key": ["b": 1], "name": "b_1"],
                ])
            let rows = [1, 2, 2].enumerated().map { "c,\"{\"\"_id\"\":\($0),\"\"a\"\":\($1),\"\"b\"\":1}\"\n" }
            try folder.write("collection,data\n" + rows.joined(), to: "bare.csv")
            let words = ["--mode", "replace", "--in-place", "--yes", "--no-infer"]
            let outcome = try Program.run(importing(database, folder.file("bare.csv"), words))
            #expect(outcome.status == 2, "\(outcome.text)")
            let export = try Program.run(
                ["export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("all.csv")])
            #expect(export.status == 0 && !export.errors.contains("interrupted"), "\(export.text)")
            try database.delete("c", ["_id": 2])
            try database.client.createIndexes(
                [["key": ["a": 1], "name": "a_1", "unique": true]], on: Namespace(database.name, "c"),
                writeConcern: .majority)
            try folder.write("collection,data\nother,\"{\"\"_id\"\":1}\"\n", to: "other.csv")
            let next = try Program.run(importing(database, folder.file("other.csv"), []))
            #expect(next.status == 0, "\(next.text)")
            #expect(try database.names() == ["c", "other"])
        }
    }

    /// What is kept of a refused index must not stand for the whole definition once the collection is dropped.
    @Test func aReplaceThatStopsAfterARefusedIndexKeepsTheWholeDefinition() throws {
        try withDatabase(on: server) { database, folder in
            let unique: Document = ["key": ["a": 1], "name": "a_1", "unique": true]
            try database.create(
                "c", ["validator": ["_id": ["$exists": true]]],
                indexes: [unique, ["key": ["b": 1], "name": "b_1"]])
            func file(_ name: String, _ values: [Int]) throws -> String {
                let rows = values.enumerated().map { "c,\"{\"\"_id\"\":\($0),\"\"a\"\":\($1),\"\"b\"\":1}\"\n" }
                try folder.write("collection,data\n" + rows.joined(), to: name)
                return folder.file(name)
            }
            let words = ["--mode", "replace", "--in-place", "--yes", "--no-infer"]
            let refused = try Program.run(importing(database, try file("double.csv", [1, 2, 2]), words))
            #expect(refused.status == 2, "\(refused.text)")
            let good = try file("good.csv", [1, 2, 3])
            let failure = try FailPoint(
                server, ["create"], mode: .alwaysOn, ["errorCode": 2, "namespace": .string("\(database.name).c")])
            let stopped = try Program.run(importing(database, good, words))
            try failure.end()
            #expect(stopped.status == 1, "\(stopped.text)")
            let export = try Program.run(
                ["export", "--uri", server.uri(), "--db", database.name, "-o", folder.file("all.csv")])
            #expect(export.errors.contains("was interrupted"), "\(export.text)")
            let again = try Program.run(importing(database, good, words))
            #expect(again.status == 0, "\(again.text)")
            let made = try #require(try database.client.listCollections(in: database.name, named: ["c"]).first)
            #expect(made.options["validator"] == ["_id": ["$exists": true]])
            let indexes = try database.client.listIndexes(of: Namespace(database.name, "c"))
            #expect(Set(indexes.compactMap { $0["name"]?.string }) == ["_id_", "a_1", "b_1"])
            #expect(indexes.contains { $0["name"] == "a_1" && $0["unique"] == true })
        }
    }

    /// The import's own drop of its lock, executed late, would remove the next import's lock.
    @Test func aLateDropOfTheLockIsWaitedFor() throws {
        try withDatabase(on: server) { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n", to: "c.csv")
            let uri = server.uri()
            let outcome = try server.hold(
                "drop", "\(database.name).__mongoferry_lock", 2500, answer: [:],
                of: [
                    "import", folder.file("c.csv"), "--uri",
                    uri + (uri.contains("?") ? "&" : "/?") + "socketTimeoutMS=700",
                    "--db", database.name,
                ]
            ) {}
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try !isUnderWay("drop", in: database))
            #expect(try database.names() == ["c"])
        }
    }

    /// A killed import's drop of its lock removes the next one's, which has written nothing yet and takes another.
    @Test func aKilledImportsDropOfItsLockIsWaitedFor() throws {
        try withDatabase(on: server) { database, folder in
            try folder.write("collection,data\nc,\"{\"\"_id\"\":1}\"\n", to: "c.csv")
            try folder.write("collection,data\nd,\"{\"\"_id\"\":1}\"\n", to: "d.csv")
            let pause = try FailPoint(
                server, ["drop"], mode: .times(1),
                [
                    "blockConnection": true, "blockTimeMS": 3000,
                    "namespace": .string("\(database.name).__mongoferry_lock"),
                ])
            let killed = try Program(importing(database, folder.file("c.csv"), []))
            try pause.waitUntilEntered()
            killed.send(SIGKILL)
            _ = try killed.wait()
            let outcome = try Program.run(importing(database, folder.file("d.csv"), []))
            try poll("the end of the drop") { try !isUnderWay("drop", in: database) }
            try pause.end()
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try database.names() == ["c", "d"])
        }
    }

    /// The same for what was kept of one collection while the next one is loaded.
    @Test func aLateDropOfWhatWasKeptTakesNoOtherRecord() throws {
        try withDatabase(on: server) { database, folder in
            for name in ["a", "b"] {
                try database.create(name, indexes: [["key": ["n": 1], "name": "n_1"]])
                try database.insert([["_id": 1, "n": 1]], into: name)
            }
            let before = try database.image()
            try folder.write(
                "collection,data\na,\"{\"\"_id\"\":1,\"\"n\"\":1}\"\nb,\"{\"\"_id\"\":1,\"\"n\"\":1}\"\n", to: "ab.csv")
            let outcome = try server.hold(
                "drop", "\(database.name).__mongoferry_definitions", 2500, answer: [:],
                of: impatient(database, folder.file("ab.csv"), ["--in-place", "--no-infer"])
            ) {
                // The import has not gone on to the second collection.
                usleep(1_500_000)
                let count = try database.count("b")
                #expect(count == 1)
            }
            #expect(outcome.status == 0, "\(outcome.text)")
            #expect(try !isUnderWay("drop", in: database))
            #expect(try database.image().differences(from: before) == [])
        }
    }
}
