import BSON
import MongoDriver
import MongoFerry
import Synchronization
import Testing

/// Other programs create, drop and replace collections between the plan of a merge and its first write.
@Suite struct ChangedSincePlanTests {
    /// Exports `a`, which has a validator and an index, and `b` to a file; both stay unless `body` changes them.
    private func withFile(_ body: (TestDatabase, _ file: String) throws -> Void) throws {
        try withTestDatabase { database, folder in
            try database.create(
                "a", ["validator": ["n": ["$gte": 0]]], indexes: [["key": ["n": 1], "name": "n"]])
            try database.insert((0..<100).map { ["_id": .int32($0), "n": .int32($0)] }, into: "a")
            try database.insert([["_id": 1]], into: "b")
            try database.export(to: folder.file("a.csv"))
            try body(database, folder.file("a.csv"))
        }
    }

    /// Imports `file`; `change` runs after the plan is made.
    private func merge(
        _ file: String, into database: TestDatabase, _ mode: ImportOptions.Mode = .merge,
        _ change: @escaping @Sendable (TestDatabase) throws -> Void
    ) throws -> Report {
        let (pool, name) = (database.pool, database.name)
        return try database.load(file, mode) { options in
            options.confirm = { _ in
                try change(TestDatabase(pool: pool, client: try pool.makeClient(), name: name))
                return true
            }
        }
    }

    @Test func whatAnotherProgramHasCreatedKeepsItsOptionsAndThatIsTold() throws {
        try withFile { database, file in
            try database.drop("a")
            let report = try merge(file, into: database) { other in
                try other.create("a", ["validator": ["n": ["$lt": 1000]]])
                try other.insert([["_id": "theirs", "n": 7]], into: "a")
            }
            let warning = try #require(report.warnings.first)
            #expect(warning.hasPrefix("a was created by another program after the plan was made: option validator: "))
            #expect(report.warnings.count == 1 && report.status == .problems)
            #expect(try database.count("a") == 101)
            #expect(try database.client.listIndexes(of: database.namespace("a")).contains { $0["name"] == "n" })
        }
    }

    /// Differences of the dropped collection no longer count.
    @Test func aReportTellsTheDifferencesOfTheCollectionThatIsThereNow() throws {
        try withFile { database, file in
            try database.drop("a")
            try database.create("a", ["validator": ["n": ["$lt": 1000]]])
            let report = try merge(file, into: database) { other in
                try other.drop("a")
                try other.create("a", ["collation": ["locale": "de"]])
            }
            let told = report.differences.filter { $0.collection == "a" }.map(\.detail)
            #expect(!told.contains { $0.contains("$lt") } && told.contains { $0.contains("collation") }, "\(told)")
            #expect(told.count == Set(told).count, "\(told)")
        }
    }

    @Test func whatAnotherProgramsInsertHasCreatedIsMergedInto() throws {
        try withFile { database, file in
            try database.drop("b")
            let report = try merge(file, into: database) { try $0.insert([["_id": 2]], into: "b") }
            #expect(report.status == .done && report.warnings == [])
            #expect(try database.count("b") == 2)
        }
    }

    @Test func aViewThatAnotherProgramHasCreatedStopsTheMergeBeforeAnythingIsWritten() throws {
        try withFile { database, file in
            for name in ["a", "b"] { try database.drop(name) }
            let error = #expect(throws: FerryError.self) {
                try merge(file, into: database) { try $0.create("b", ["viewOn": "other", "pipeline": []]) }
            }
            #expect(error?.text == "'b' is a view in \(database.name), and a collection in the file")
            #expect(try database.client.listCollections(in: database.name, named: ["a"]).isEmpty)
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func aCollectionThatHasBecomeAViewStopsBeforeAnythingIsWritten(_ mode: ImportOptions.Mode) throws {
        try withFile { database, file in
            try database.drop("a")
            let error = #expect(throws: FerryError.self) {
                try merge(file, into: database, mode) {
                    try $0.drop("b")
                    try $0.create("b", ["viewOn": "other", "pipeline": []])
                }
            }
            #expect(error?.text == "'b' is a view in \(database.name), and a collection in the file")
            #expect(try database.client.listCollections(in: database.name, named: ["a"]).isEmpty)
        }
    }

    @Test(arguments: [ImportOptions.Mode.merge, .insert])
    func aViewThatHasBecomeACollectionStopsBeforeAnythingIsWritten(_ mode: ImportOptions.Mode) throws {
        try withTestDatabase { database, folder in
            try database.insert([["_id": 1]], into: "a")
            try database.create("v", ["viewOn": "a", "pipeline": []])
            try database.export(to: folder.file("a.csv"))
            try database.delete("a", [:])
            let error = #expect(throws: FerryError.self) {
                try merge(folder.file("a.csv"), into: database, mode) {
                    try $0.drop("v")
                    try $0.insert([["_id": "theirs"]], into: "v")
                }
            }
            #expect(error?.text == "'v' is a collection in \(database.name), and a view in the file")
            #expect(try database.count("a") == 0)
        }
    }

    @Test func whatAnotherProgramHasDroppedIsCreatedAgainAndWhole() throws {
        try withFile { database, file in
            let before = try database.image()
            let report = try merge(file, into: database) { try $0.drop("a") }
            #expect(
                report.warnings == [
                    "a was dropped by another program after the plan was made, and is created again"
                ])
            #expect(report.collections.first { $0.name == "a" }?.inserted == 100)
            #expect(try database.image().differences(from: before) == [])
        }
    }

    /// With few connections, what exists is queried only after the documents have been compared.
    @Test func whatAnotherProgramDropsWhenItHasBeenComparedIsWrittenAgain() throws {
        try withFile { database, file in
            let before = try database.image()
            let uri = try testURI()
            let target = try Target(
                uri: uri + (uri.contains("?") ? "&" : "/?") + "maxPoolSize=12", database: database.name)
            let (pool, name) = (database.pool, database.name)
            let looks = Mutex(0)
            let operation = OperationContext(onProgress: { progress in
                guard progress.phase == .compare, progress.collection == "a" else { return }
                let look = looks.withLock {
                    $0 += 1
                    return $0
                }
                guard look == 1 else { return }
                do { _ = try pool.makeClient().runWrite(["drop": "a"], on: name) } catch { Issue.record(error) }
            })
            let report = try Import(file, into: target).runBlocking(operation)
            #expect(
                report.warnings == [
                    "a was dropped by another program after the plan was made, and is created again"
                ])
            #expect(report.collections.first { $0.name == "a" }?.inserted == 100)
            #expect(try database.image().differences(from: before) == [])
        }
    }

    @Test func whatAnotherProgramHasReplacedIsNotTakenForEqual() throws {
        try withFile { database, file in
            let report = try merge(file, into: database) { other in
                try other.drop("a")
                try other.insert([["_id": 5, "n": -5]], into: "a")
            }
            let warning = try #require(report.warnings.first)
            #expect(
                warning.hasPrefix(
                    "a was dropped and created again by another program after the plan was made: option validator: "))
            #expect(report.warnings.count == 1 && report.status == .problems, "\(report.warnings)")
            #expect(try database.count("a", ["n": ["$gte": 0]]) == 100)
        }
    }
}
