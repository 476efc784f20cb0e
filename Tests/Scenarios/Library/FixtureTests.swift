import BSON
import Foundation
import MongoDriver
import MongoFerry
import Relations
import Testing

/// Fixtures as other programs' tests use them.
@Suite struct FixtureTests {
    @Test func aFixtureIsRestoredExactlyAndGoneAfterTheTest() async throws {
        try await withFixture { fixture, source in
            let name = try await fixture.withDatabase { database in
                #expect(database.collections.map(\.name) == ["customers", "policies"])
                #expect(
                    database.collections.map(\.inserted) == source.collections.values.map(\.documents.count).sorted())
                try expect(database, holds: source)
                return database.name
            }
            #expect(name.hasPrefix("mongoferry_fixture_"))
            try expectGone(name)
        }
    }

    /// The tests wait for each other, however few connections there are.
    @Test func anyNumberOfTestsMayRestoreAFixtureAtOnce() async throws {
        try await withFixture { shared, source in
            let uri = try testURI()
            let server = FixtureServer(uri: uri + (uri.contains("?") ? "&" : "/?") + "maxPoolSize=6")
            let fixture = Fixture(shared.file, on: server)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 { group.addTask { try await fixture.withDatabase { _ in } } }
                try await group.waitForAll()
            }
            try await fixture.withDatabase { try expect($0, holds: source) }
        }
    }

    @Test func documentsOfQueryableEncryptionAreRestored() async throws {
        try await withFixture(filling: { try $0.fillQueryableEncryption() }) { fixture, source in
            try await fixture.withDatabase { try expect($0, holds: source) }
        }
    }

    @Test func theDatabaseIsDroppedWhenTheTestThrows() async throws {
        struct Failure: Error {}
        try await withFixture { fixture, _ in
            let name = Box("")
            await #expect(throws: Failure.self) {
                try await fixture.withDatabase { database in
                    name.value = database.name
                    throw Failure()
                }
            }
            #expect(name.value != "")
            try expectGone(name.value)
        }
    }

    @Test func theDatabaseIsDroppedWhenTheTestIsCancelled() async throws {
        try await withFixture { fixture, _ in
            let (names, continuation) = AsyncStream.makeStream(of: String.self)
            let test = Task {
                // Otherwise the name of a database that was never created would be awaited forever.
                defer { continuation.finish() }
                try await fixture.withDatabase { database in
                    continuation.yield(database.name)
                    // Until it is cancelled, which ends the sleep early.
                    try await Task.sleep(for: .seconds(60))
                }
            }
            var iterator = names.makeAsyncIterator()
            let name = await iterator.next()
            test.cancel()
            await #expect(throws: CancellationError.self) { try await test.value }
            try expectGone(try #require(name, "no database was lent"))
        }
    }

    @Test func testsAtTheSameTimeHaveADatabaseEach() async throws {
        try await withFixture { fixture, source in
            let names = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await fixture.withDatabase { database in
                            try expect(database, holds: source)
                            return database.name
                        }
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(names.count == 8)
        }
    }

    @Test func resetBringsBackWhatATestHasChanged() async throws {
        try await withFixture { fixture, source in
            try await fixture.withDatabase { database in
                try change(database) { live in
                    try live.update("customers", [:], ["$set": ["name": "Mallory"]], many: true)
                    try live.delete("policies", ["installments": ["$gt": 1]])
                    try live.insert([["_id": "stranger"]], into: "policies")
                    try live.run(["createIndexes": "customers", "indexes": [["key": ["name": 1], "name": "name_1"]]])
                    try live.create("audit", indexes: [["key": ["at": 1], "name": "at_1"]])
                    try live.run(["create": "everyone", "viewOn": "customers", "pipeline": []])
                    try live.run(["dropIndexes": "policies", "index": "customerId_1"])
                }
                try await database.reset()
                try expect(database, holds: source)
                try change(database) { try $0.drop("customers") }
                try await database.reset()
                try expect(database, holds: source)
            }
        }
    }

    @Test func everyKindOfCollectionIsRestoredAndReset() async throws {
        try await withFixture(filling: { database in
            try database.create("readings", ["timeseries": ["timeField": "at"]])
            try database.insert([["at": .date(1000), "value": 1], ["at": .date(2000), "value": 2]], into: "readings")
            try database.create("log", ["capped": true, "size": 4096])
            try database.insert((1...5).map { ["_id": .int32(Int32(9 - $0))] }, into: "log")
            try database.create("empty", ["validator": ["a": ["$exists": true]]])
            try database.create("high", ["viewOn": "readings", "pipeline": [["$match": ["value": ["$gt": 1]]]]])
        }) { fixture, source in
            try await fixture.withDatabase { database in
                try expect(database, holds: source, butMeasurements: "readings")
                try change(database) { live in
                    try live.insert([["_id": 100]], into: "log")
                    try live.drop("readings")
                }
                try await database.reset()
                try expect(database, holds: source, butMeasurements: "readings")
            }
        }
    }

    /// Servers do not change the collation of a view or a time series while a view depends on it.
    @Test(arguments: [["timeseries": ["timeField": "at"]], ["viewOn": "things", "pipeline": []]] as [Document])
    func resetGivesViewsOnEachOtherTheirCollationBack(_ source: Document) async throws {
        let german: Value = ["locale": "de"]
        let view: Document = ["viewOn": "v1", "pipeline": []]
        try await withFixture(filling: { database in
            try database.insert([["_id": 1]], into: "things")
            try database.create("v1", source)
            try database.create("v2", view)
        }) { fixture, expected in
            try await fixture.withDatabase { database in
                try change(database) { live in
                    for name in ["v2", "v1"] { try live.drop(name) }
                    try live.create("v1", source.appending("collation", german))
                    try live.create("v2", view.appending("collation", german))
                }
                try await database.reset()
                try expect(database, holds: expected)
            }
        }
    }

    /// A file without metadata has no options and indexes: all existing ones were made by a test.
    @Test func resetOfAFileWithoutMetadataTakesAwayWhatATestHasMade() async throws {
        let path = NSTemporaryDirectory() + "plain_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try withTestDatabase { database, _ in
            try database.insert([["_id": 1, "a": 1], ["_id": 2, "a": 1]], into: "things")
            try database.insert([["_id": 1]], into: "others")
            try database.export(to: path) { $0.plain = true }
        }
        try await Fixture(path).withDatabase { database in
            let before = try image(database)
            try change(database) { live in
                try live.delete("things", [:])
                try live.run([
                    "createIndexes": "things", "indexes": [["key": ["a": 1], "name": "a", "unique": true]],
                ])
                try live.run(["collMod": "things", "validator": ["b": ["$exists": true]]])
                try live.drop("others")
                try live.create("others", ["timeseries": ["timeField": "at"]])
            }
            try await database.reset()
            #expect(try image(database).differences(from: before) == [])
        }
    }

    @Test func resetDropsWhatTheFixtureDoesNotHaveWhateverItsName() async throws {
        try await withFixture(filling: { try $0.insert([["_id": 1]], into: "caf\u{E9}") }) { fixture, source in
            try await fixture.withDatabase { database in
                try change(database) { live in
                    try live.insert([["_id": 1]], into: "cafe\u{301}")
                    try live.insert([["_id": "f", "value": .other(.code, [1, 0, 0, 0, 0])]], into: "system.js")
                }
                try await database.reset()
                try expect(database, holds: source)
                try change(database) { live in
                    let left = try live.client.listCollections(in: live.name).map(\.name)
                    #expect(left.sorted() == ["caf\u{E9}", "system.js"])
                    let functions = try live.count("system.js")
                    #expect(functions == 0)
                }
            }
        }
    }

    /// Whoever exports a fixture anew while its database is there has the new one after a reset.
    @Test func resetTakesWhatTheFileHasByThen() async throws {
        try await withFixture(filling: { try $0.insert([["_id": 1]], into: "things") }) { fixture, _ in
            try await fixture.withDatabase { database in
                let copy = database
                #expect(database.collections.map(\.name) == ["things"] && database.references.isEmpty)
                try withTestDatabase { live, _ in
                    for name in ["customers", "policies"] { try live.insert(LegacyFile.documents(name), into: name) }
                    try FileManager.default.removeItem(atPath: fixture.file)
                    try live.export(to: fixture.file) { $0.reproducible = true }
                }
                try await database.reset()
                #expect(copy.collections.map(\.name) == ["customers", "policies"] && !copy.references.isEmpty)
                try await copy.verifyReferences()
                try change(database) { try $0.delete("customers", [:]) }
                await #expect(throws: DanglingReferences.self) { try await database.verifyReferences() }
            }
        }
    }

    // MARK: References

    @Test func verifyReferencesThrowsAnErrorThatNamesWhatDangles() async throws {
        try await withFixture { fixture, _ in
            try await fixture.withDatabase { database in
                try await database.verifyReferences()
                let customer = try #require(LegacyFile.documents("policies").first?["customerId"])
                let count = LegacyFile.documents("policies").count { $0["customerId"] == customer }
                try change(database) { try $0.delete("customers", ["_id": customer]) }
                do {
                    try await database.verifyReferences()
                    Issue.record("it did not throw")
                } catch let error as DanglingReferences {
                    let reference = try #require(error.references.first { $0.path == "customerId" })
                    #expect(reference.dangling == count)
                    let lines = "\(error)".split(separator: "\n")
                    #expect(
                        lines[0].hasSuffix("lead nowhere in \(database.name):") || lines[0].contains("leads nowhere"))
                    #expect(
                        "\(error)".contains(
                            "policies.customerId → customers: \(count) of 120 values, such as {\"$oid\":"))
                }
            }
        }
    }

    @Test func aFixtureWithoutReferencesCannotPassForVerified() async throws {
        try await withFixture(filling: { try $0.insert([["_id": 1]], into: "things") }) { fixture, _ in
            try await fixture.withDatabase { database in
                _ = await #expect(throws: FerryError.self) { try await database.verifyReferences() }
            }
        }
    }

    @Test func referencesThatNoCollectionHasCannotPassForVerified() async throws {
        let path = NSTemporaryDirectory() + "shop_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("collection,data\norders,\"{\"\"_id\"\":1,\"\"customerId\"\":7}\"\n".utf8)
            .write(to: URL(fileURLWithPath: path))
        for (name, isSpelledRight) in [("orders", true), ("ordrs", false)] {
            let configuration = try Configuration.parse(
                yaml: "collections:\n  \(name):\n    references: {customerId: customers}\n  customers:\n",
                file: "f.yaml")
            let log = MessageLog()
            try await Fixture(path, configuration: configuration).withDatabase(log.context) { database in
                if isSpelledRight {
                    await #expect(throws: DanglingReferences.self) { try await database.verifyReferences() }
                    try change(database) { try $0.drop("orders") }
                }
                let error = await #expect(throws: FerryError.self) { try await database.verifyReferences() }
                let expected = isSpelledRight ? "nothing was verified" : "start in 'ordrs'"
                #expect(error?.text.contains(expected) == true, "\(error?.text ?? "")")
            }
            #expect(log.warnings.contains { $0.contains("'ordrs'") } == !isSpelledRight, "\(log.warnings)")
        }
    }

    // MARK: What is wrong with a fixture

    @Test(.timeLimit(.minutes(1))) func aNamedPipeIsNoFixture() async throws {
        let path = NSTemporaryDirectory() + "pipe_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try #require(mkfifo(path, 0o600) == 0)
        await #expect(throws: FerryError.self) { _ = try await Fixture(path).restore() }
    }

    /// Others that wait for the server continue to wait.
    @Test func whoeverWantsToStopDoesNotWaitForTheServer() async throws {
        let server = FixtureServer(uri: "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=6000")
        try await withFixture { fixture, _ in
            let waiting = Task { _ = try await Fixture(fixture.file, on: server).restore() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    @Test func anEditedFixtureIsRefusedByLineAndLeavesNoDatabase() async throws {
        try await withFixture(named: "edited") { fixture, _ in
            var text = try String(contentsOfFile: fixture.file, encoding: .utf8)
            text.replace("\"\"number\"\":", with: "\"\"number\"\"", maxReplacements: 1)
            try text.write(toFile: fixture.file, atomically: true, encoding: .utf8)
            do {
                _ = try await fixture.restore()
                Issue.record("it was restored")
            } catch let error as FerryError {
                #expect(error.kind == .data)
                #expect(error.text.hasPrefix("\(fixture.file): the fixture has 2 faults"))
                #expect(error.details.contains { $0.hasPrefix("line ") && $0.contains("policies") })
                #expect(
                    error.advice.last
                        == "Was it edited? Edit the data in the database and export them again, or make the fixture with "
                        + "--plain: then it has no seal.")
            }
            #expect(try databases().filter { $0.hasPrefix("mongoferry_fixture_edited") } == [])
        }
    }

    /// Nothing remains of the database that was created for it.
    @Test func whatTheServerRefusesOfAFixtureIsNamedAndLeavesNoDatabase() async throws {
        try await withFixture(
            named: "unfit",
            filling: { database in
                try database.insert([["_id": 7, "old": true], ["_id": 8, "n": 1]], into: "things")
                try database.run(["collMod": "things", "validator": ["n": ["$exists": true]]])
            }
        ) { fixture, _ in
            let error = await #expect(throws: FerryError.self) { try await fixture.restore() }
            #expect(
                error?.kind == .data && error?.text.hasSuffix("the server refuses 1 document of the fixture") == true)
            #expect(error?.details.contains { $0.hasPrefix("line ") && $0.contains("things, _id 7: ") } == true)
            let left = try databases().filter { $0.hasPrefix("mongoferry_fixture_unfit") }
            #expect(left == [], "\(String(describing: error))")
        }
    }

    @Test func aFixtureWithBadRowsNamesThem() async throws {
        let rows = [
            "things,\"{\"\"_id\"\":{\"\"$oid\"\":\"\"5c2aad8000000000000000a1\"\"},\"\"a\"\":1}\"",
            "things,\"{\"\"_id\"\":{\"\"$regularExpression\"\":{\"\"pattern\"\":\"\"a\"\",\"\"options\"\":\"\"\"\"}}}\"",
        ]
        let path = NSTemporaryDirectory() + "refused_\(UInt64.random(in: 0 ... .max)).csv"
        try LegacyFile.text(rows: rows).write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            _ = try await Fixture(path).restore()
            Issue.record("it was restored")
        } catch let error as FerryError {
            #expect(error.details.contains { $0.hasPrefix("line 3, things") }, "\(error)")
        }
    }

    /// What a test has just written must be read where it was written.
    @Test func aFixtureIsReadFromThePrimaryWhateverTheAddressPrefers() async throws {
        let uri = try testURI()
        try #require(uri.contains("replicaSet="))
        let server = FixtureServer(uri: uri + "&readPreference=secondary")
        try await withFixture { fixture, _ in
            try await Fixture(fixture.file, on: server).withDatabase { try await $0.verifyReferences() }
        }
    }

    @Test func aServerThatIsNotThereIsAskedOnceForAllTests() async throws {
        let fake = try FakeServer(.closing)
        // However long the tests beside this one hold it up.
        let server = FixtureServer(
            uri: "mongodb://127.0.0.1:\(fake.port)/?serverSelectionTimeoutMS=300", patience: .seconds(3600))
        try await withFixture { fixture, _ in
            var counts: [Int] = []
            for number in 0..<6 {
                let error = await #expect(throws: FerryError.self) {
                    try await Fixture(fixture.file, on: server).restore()
                }
                let isTold = error?.details.contains { $0.hasPrefix("That was ") }
                #expect(isTold == (number > 0), "\(error?.details ?? [])")
                counts.append(try fake.countConnections())
            }
            #expect(counts[0] > 0 && Set(counts).count == 1, "\(counts)")
        }
    }

    @Test func aPasswordIsNotShownWhereATestFails() {
        let server = FixtureServer(uri: "mongodb://amara:s3cret@example.org/shop")
        var text = "\(server)"
        dump(Fixture("shop.csv", on: server), to: &text)
        #expect(!text.contains("s3cret"))
    }

    // MARK: Legacy files

    @Test func anOldFileIsAFixtureTooWithNativeIdsAndDates() async throws {
        let path = NSTemporaryDirectory() + "old_\(UInt64.random(in: 0 ... .max)).csv"
        try LegacyFile.text().write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let fixture = Fixture(path, configuration: try LegacyFile.configuration())
        try await fixture.withDatabase { database in
            #expect(database.collections.map(\.name) == LegacyFile.collections)
            let policy = try #require(try image(database).collections["policies"]?.documents.first)
            #expect(policy["customerId"]?.type == .objectID)
            #expect(policy["start"]?.type == .date)
        }
    }

    // MARK: Writing fixtures

    @Test func anUnchangedDatabaseGivesTheSameFileWhateverItIsCalled() async throws {
        try await withFixture { fixture, _ in
            let before = try Data(contentsOf: URL(fileURLWithPath: fixture.file))
            try await fixture.withDatabase { try await fixture.export(from: $0.target) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.file)) == before)
        }
    }

    @Test func theDifferenceOfAFixtureShowsOnlyWhatHasChanged() async throws {
        try await withFixture { fixture, _ in
            func lines() throws -> [Substring] {
                try String(contentsOfFile: fixture.file, encoding: .utf8).split(separator: "\n")
            }
            let before = try lines()
            try await fixture.withDatabase { database in
                let id = try #require(LegacyFile.documents("policies").first?["_id"])
                try change(database) { try $0.update("policies", ["_id": id], ["$set": ["discount": 0.5]]) }
                try await fixture.export(from: database.target)
            }
            let after = try lines()
            #expect(after.count == before.count)
            let changed = zip(before, after).filter { $0 != $1 }.map(\.1)
            #expect(changed.count == 2)
            #expect(changed.first?.contains("\"\"discount\"\":0.5") == true)
            #expect(changed.last?.hasPrefix("# seal ") == true)
        }
    }

    // MARK: Leftovers

    @Test func onlyOldDatabasesOfFixturesAreSweptAway() async throws {
        let old = "mongoferry_fixture_shop_00000001_1f2e3d4c"
        let others = ["mongoferry_fixture_shop", "mongoferry_fixtures_00000001_1f2e3d4c"]
        try await withFixture { fixture, _ in
            for name in others { try withClient { _ = try $0.runWrite(["create": "things"], on: name) } }
            try await fixture.withDatabase { database in
                var swept: [String] = []
                // Other tests also sweep, and may have removed it before.
                for _ in 0..<20 where !swept.contains(old) {
                    try withClient {
                        _ = try $0.runWrite(["create": .string("things\(UInt32.random(in: 0 ... .max))")], on: old)
                    }
                    swept = try await FixtureServer.shared.dropLeftovers(olderThan: .seconds(3600))
                }
                #expect(swept.contains(old))
                #expect(try databases().isSuperset(of: others + [database.name]))
            }
            try expectGone(old)
            for name in others { try withClient { _ = try $0.runWrite(["dropDatabase": 1], on: name) } }
        }
    }

    // MARK: Speed

    /// Prints how long a fixture of ten documents takes. What makes a reset fast is expected, not a time, which a busy
    /// machine may exceed: nothing is created.
    @Test func aSmallFixtureTakesMilliseconds() async throws {
        try await withFixture(filling: { database in
            for (name, count) in [("customers", 4), ("orders", 6)] {
                try database.insert((0..<count).map { ["_id": .int32(Int32($0)), "name": "Amara"] }, into: name)
            }
        }) { fixture, _ in
            var times: [String: [Duration]] = [:]
            func measure<Result>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
                let start = ContinuousClock.now
                let result = try await body()
                times[what, default: []].append(ContinuousClock.now - start)
                return result
            }
            for _ in 0..<20 {
                let database = try await measure("restore") { try await fixture.restore() }
                let before = try identities(database)
                for _ in 0..<3 { try await measure("reset") { try await database.reset() } }
                let after = try identities(database)
                #expect(after.count == 2 && after == before)
                try await measure("drop") { try await database.drop() }
            }
            for (what, all) in times.sorted(by: { $0.key < $1.key }) {
                let sorted = all.sorted()
                print(
                    "\(what) of 10 documents in 2 collections: median \(sorted[sorted.count / 2]), least \(sorted[0])")
            }
        }
    }

    // MARK: What the tests need

    /// Runs `body` with a fixture file of customers and policies, or of what `fill` creates, and the database's image.
    private func withFixture(
        named name: String = "fixture",
        filling fill: (TestDatabase) throws -> Void = { database in
            for name in ["customers", "policies"] { try database.insert(LegacyFile.documents(name), into: name) }
            try database.run([
                "createIndexes": "policies", "indexes": [["key": ["customerId": 1], "name": "customerId_1"]],
            ])
        },
        _ body: (_ fixture: Fixture, _ source: DatabaseImage) async throws -> Void
    ) async throws {
        let path = NSTemporaryDirectory() + "\(name)_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var source = DatabaseImage(collections: [:])
        try withTestDatabase { database, _ in
            try fill(database)
            source = try database.image()
            try database.export(to: path) { $0.reproducible = true }
        }
        try await body(Fixture(path), source)
    }

    private func withClient<Result>(_ body: (Client) throws -> Result) throws -> Result {
        try ClientPool(try ConnectionString(try testURI()), applicationName: "mongoferry tests").withClient(body)
    }

    /// - Parameter series: a time series, in whose measurements servers do not preserve the order of fields.
    private func expect(
        _ database: ThrowawayDatabase, holds source: DatabaseImage, butMeasurements series: String? = nil
    ) throws {
        var found = try image(database)
        var source = source
        if let series {
            #expect(found.collections[series]?.documents.count == source.collections[series]?.documents.count)
            #expect(found.collections[series]?.options == source.collections[series]?.options)
            found.collections[series] = nil
            source.collections[series] = nil
        }
        let differences = found.differences(from: source)
        #expect(differences == [])
    }

    private func expectGone(_ name: String) throws {
        let names = try databases()
        #expect(!name.isEmpty && !names.contains(name))
    }

    private func databases() throws -> Set<String> { try withClient { Set(try $0.listDatabaseNames()) } }

    /// Changes the database over a separate connection, with the connection string that code under test gets.
    private func change<Result>(_ database: ThrowawayDatabase, _ body: (TestDatabase) throws -> Result) throws -> Result
    {
        let string = try ConnectionString(database.uri)
        let pool = try ClientPool(string, applicationName: "mongoferry tests")
        let name = try #require(string.database)
        return try body(TestDatabase(pool: pool, client: try pool.makeClient(), name: name))
    }

    /// The server's UUIDs of the collections, by name: one that was recreated has another.
    private func identities(_ database: ThrowawayDatabase) throws -> [String: Value] {
        let listed = try withClient { try $0.runRead(["listCollections": 1], on: database.name) }
        let entries = listed["cursor"]?.document?["firstBatch"]?.array?.compactMap(\.document) ?? []
        return Dictionary(
            uniqueKeysWithValues: try entries.map {
                (try #require($0["name"]?.string), try #require($0["info"]?.document?["uuid"]))
            })
    }

    private func image(_ database: ThrowawayDatabase) throws -> DatabaseImage {
        try change(database) { try $0.image() }
    }
}

/// Carries a value out of a closure.
// @unchecked: the lock guards the value.
private final class Box<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value
    init(_ value: Value) { stored = value }
    var value: Value {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
}
