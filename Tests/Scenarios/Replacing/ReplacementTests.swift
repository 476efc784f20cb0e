import BSON
import BackupFile
import MongoDriver
import Relations
import Testing

@testable import MongoFerry

@Suite struct ReplacementTests {
    /// Between two heartbeats, an import does not know yet that its lock was taken over.
    @Test func aLockThatIsAnothersByNowIsNotGivenBack() throws {
        try withTestDatabase { database, _ in
            let connection = try Connection(
                try database.target, database: database.name, Cancellation(), forWriting: true)
            let lock = try ImportLock(connection, OperationContext())
            try database.update("__mongoferry_lock", [:], ["$set": ["owner": "another import"]])
            try lock.release()
            #expect(try database.documents(in: "__mongoferry_lock").map { $0["owner"] } == ["another import"])
            try database.drop("__mongoferry_lock")
        }
    }

    /// Runs a replacement by a plan that was made before `change`, whatever the mode.
    private func replace(
        _ database: TestDatabase, by file: String, _ mode: ImportOptions.Mode = .replace,
        after change: () throws -> Void = {}
    ) throws -> Replacement.Outcome {
        let operation = OperationContext()
        let connection = try Connection(
            try database.target, database: database.name, operation.cancellation, forWriting: true)
        let reader = try BackupReader(try OpenFile(reading: file))
        let survey = try Surveyor(
            reader: reader, jobs: 1, maximumDocument: 16 << 20, problemLimit: 20, operation: operation
        ).run()
        var options = ImportOptions()
        options.mode = mode
        let planner = try ImportPlanner(
            database: database.name, options: options, metadata: reader.metadata, collections: survey.rows)
        let plan = try planner.plan(survey, [], LiveCatalog(connection, names: planner.databaseNames))
        try change()
        let lock = try ImportLock(connection, OperationContext())
        defer { _ = try? lock.release() }
        let loader = RowLoader(
            reader: reader, connection: connection, survey: survey, rules: nil, jobs: 1,
            rejections: RejectionLog(limit: 20), lock: lock, operation: operation)
        var outcome = Replacement.Outcome()
        try Replacement(connection: connection, loader: loader, lock: lock, operation: operation).run(plan, &outcome)
        return outcome
    }

    /// What existed when the plan was made may no longer exist.
    @Test(
        arguments: [
            [["drop": "open"]], [["drop": "open"], ["create": "open"]],
            [["collMod": "open", "viewOn": "customers", "pipeline": []]],
        ] as [[Document]])
    func aViewThatOthersChangeAfterThePlanComesBack(_ changes: [Document]) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "customers")
            try database.create("open", ["viewOn": "customers", "pipeline": [["$match": ["a": 1]]]])
            let expected = try database.image()
            try database.export(to: folder.file("all.csv"))
            let outcome = try replace(database, by: folder.file("all.csv")) {
                for change in changes { try database.run(change) }
            }
            #expect(outcome.swapped == ["customers", "open"])
            #expect(try database.image().differences(from: expected) == [])
        }
    }

    /// This could only result from a mistake in the planning.
    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func aReplacementDropsNothingThatIsNotPlannedToBeReplaced(_ mode: ImportOptions.Mode) throws {
        try withTwoTestDatabases { source, database, folder in
            try source.insert([["_id": 1], ["_id": 2]], into: "customers")
            try source.export(to: folder.file("all.csv"))
            try database.insert([["_id": 7]], into: "customers")
            let before = try database.image()
            let error = #expect(throws: FerryError.self) {
                try replace(database, by: folder.file("all.csv"), mode)
            }
            #expect(error?.text == "the swap stopped: customers is not planned to be replaced, and was left as it is")
            #expect(try database.image().differences(from: before) == [])
        }
    }
}
