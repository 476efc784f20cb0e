import BSON
import Testing

/// What is said of collections and views that were being replaced when the import had to stop.
extension BusyServerTests.MeanwhileTests {
    /// The first attempt, of which nobody knows the outcome, may have changed it.
    @Test func aViewWhoseSecondChangeIsRefusedIsNotCalledWhole() throws {
        try withDatabase(on: server) { database, folder in
            try database.insert([["_id": 1]], into: "a")
            try database.create("v", ["viewOn": "a", "pipeline": [["$match": ["x": 1]]]])
            let file = folder.file("new.csv")
            try export(database, to: file)
            try database.run(["collMod": "v", "viewOn": "a", "pipeline": []])
            let outcome = try server.hold(
                "collMod", "\(database.name).v", 500, answer: ["closeConnection": true],
                of: importing(database, file, ["--mode", "replace", "--yes"])
            ) {
                try database.drop("v")
            }
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("New already: a. Still old: none."), "\(outcome.errors)")
            #expect(outcome.errors.contains("Whether v is old or new could not be seen."), "\(outcome.errors)")
        }
    }

    @Test func whatCameBeforeASwapThatStopsIsTold() throws {
        try withDatabase(on: server) { database, folder in
            for name in ["a", "b"] { try database.insert([["_id": 1]], into: name) }
            let file = folder.file("all.csv")
            try export(database, to: file)
            let words = importing(database, file, ["--mode", "replace", "--yes"])
            let outcome = try server.hold("renameCollection", "", 500, answer: ["errorCode": 12587], of: words) {
                try database.insert([["_id": 2], ["_id": 3]], into: "a")
                // No collection can be renamed to that name any more.
                try database.drop("b")
                try database.create("b", ["viewOn": "a", "pipeline": []])
            }
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("New already: a. Still old: b."), "\(outcome.errors)")
            #expect(
                outcome.errors.contains(
                    "a: 2 documents came from other programs after the plan was made, and went with"),
                "\(outcome.errors)")
            #expect(try database.count("a") == 1)
            #expect(try Program.run(words).status == 0)
            #expect(try database.documents(in: "b") == [["_id": 1]])
        }
    }

    /// The answer to its drop is lost, and the lock as well: its definition exists nowhere else.
    @Test func aViewThatMayHaveBeenClearedAwayIsToldWithItsDefinition() throws {
        try withDatabase(on: server) { database, folder in
            func fill(_ collation: Value?) throws {
                for (name, source) in [("v1", "none"), ("v2", "v1")] {
                    let view: Document = ["viewOn": .string(source), "pipeline": [["$match": ["x": .string(name)]]]]
                    try database.create(name, collation.map { view.appending("collation", $0) } ?? view)
                }
            }
            try fill(["locale": "de"])
            let new = try database.image()
            let file = folder.file("views.csv")
            try export(database, to: file)
            for name in ["v1", "v2"] { try database.drop(name) }
            try fill(nil)
            let outcome = try server.hold(
                "drop", "\(database.name).v2", 1200, answer: [:], of: impatient(database, file, [])
            ) {
                try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
            }
            #expect(outcome.status == 1, "\(outcome.text)")
            #expect(outcome.errors.contains("The old view v2 could not be created again ("), "\(outcome.errors)")
            #expect(
                outcome.errors.contains("{\"viewOn\":\"v1\",\"pipeline\":[{\"$match\":{\"x\":\"v2\"}}]}"),
                "\(outcome.errors)")
            try database.drop("__mongoferry_lock")
            let again = try Program.run(importing(database, file, ["--mode", "replace", "--yes"]))
            #expect(again.status == 0, "\(again.text)")
            #expect(try database.image().differences(from: new) == [])
        }
    }

    /// Expects an import that has lost its lock to tell the state of a collection, and that another run completes it.
    private func expect(
        _ outcome: Program.Outcome, of words: [String], toTell state: String, of name: String,
        in database: TestDatabase, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let texts = ["Swapped in before: none. What is there now was not looked at.", state]
        #expect(
            outcome.status == 1 && texts.allSatisfy(outcome.errors.contains), "\(outcome.text)",
            sourceLocation: location)
        try database.drop("__mongoferry_lock")
        #expect(try Program.run(words).status == 0, sourceLocation: location)
        #expect(try database.documents(in: name) == [["_id": 1]], sourceLocation: location)
    }

    /// The answer to the rename is lost, and the lock as well.
    @Test func aViewThatIsGoneIsToldWhereTheLockIsLost() throws {
        try withDatabase(on: server) { database, folder in
            for name in ["a", "v"] { try database.insert([["_id": 1]], into: name) }
            let file = folder.file("all.csv")
            try export(database, to: file)
            try database.drop("v")
            try database.create("v", ["viewOn": "a", "pipeline": []])
            let words = importing(database, file, ["--mode", "replace", "--yes"])
            let outcome = try server.hold(
                "renameCollection", "", 500, answer: ["closeConnection": true], of: words + ["-c", "v"]
            ) {
                try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
            }
            let state = "The old view v is gone; whether the new one has come in its place could not be seen."
            try expect(outcome, of: words, toTell: state, of: "v", in: database)
        }
    }

    /// Of a time series whose drop was interrupted, the storage is dropped after the collection.
    @Test func aCollectionThatIsGoneIsToldWhereTheLockIsLost() throws {
        try withDatabase(on: server) { database, folder in
            for name in ["a", "t"] { try database.insert([["_id": 1]], into: name) }
            let file = folder.file("all.csv")
            try export(database, to: file)
            try database.insert([["_id": 1]], into: "system.buckets.t")
            let words = importing(database, file, ["--mode", "replace", "--yes"])
            let pause = try FailPoint(
                server, ["drop"], mode: .skip(1),
                [
                    "blockConnection": true, "blockTimeMS": 500, "closeConnection": true,
                    "namespace": .string("\(database.name).t"),
                ])
            let running = try Program(words + ["-c", "t"])
            try pause.waitUntilEntered()
            try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another"]])
            let outcome = try running.wait()
            try pause.end()
            let state = "The collection t is gone: it was dropped, and nothing has come in its place."
            try expect(outcome, of: words, toTell: state, of: "t", in: database)
        }
    }
}
