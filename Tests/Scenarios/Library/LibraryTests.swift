import BSON
import Foundation
import MongoFerry
import Synchronization
import Testing

/// The operations as other programs call them. The documentation shows this code.
@Suite struct LibraryTests {
    @Test func aBackupIsRestoredAndComparedWithTheDatabase() async throws {
        try await withFixture { uri, database, fixture in
            let target = try Target(uri: uri, database: database)
            var options = ImportOptions()
            options.mode = .replace
            let report = try await Import(fixture, into: target, options).run()
            #expect(report.status == .done)

            let check = try await Verify(file: fixture, target: target).run()
            #expect(check.status == .done)
            #expect(check.danglingCount == 0)
            #expect(check.references.contains { $0.path == "customerId" && $0.checked == 120 })
        }
    }

    @Test func anOperationIsWatchedWhileItRuns() async throws {
        try await withFixture { uri, database, fixture in
            // The documentation shows the lines below as they are: this stands in for Swift's own function.
            var phases: Set<OperationProgress.Phase> = []
            func print(_ phase: OperationProgress.Phase, _ collection: String, _ records: Int, _ total: Int) {
                phases.insert(phase)
            }
            let target = try Target(uri: uri, database: database)
            let running = Import(fixture, into: target).start()
            for await step in running.progress {
                print(step.phase, step.collection ?? "", step.records, step.total ?? 0)
            }
            let report = try await running.report
            #expect(report.totals.inserted == 200)
            #expect(phases.isSuperset(of: [.preflight, .load]), "\(phases)")
        }
    }

    @Test func aFixtureIsWrittenFromALiveDatabase() async throws {
        try await withFixture { uri, database, fixture in
            _ = try await Import(fixture, into: Target(uri: uri, database: database)).run()
            let (name, path) = (database, fixture + ".new.csv")
            defer { try? FileManager.default.removeItem(atPath: path) }
            let shop = Fixture(path)
            try await shop.export(from: Target(uri: uri, database: name))
            try await FixtureServer.shared.dropLeftovers(olderThan: .seconds(24 * 3600))
            try await shop.withDatabase {
                #expect($0.collections.map(\.name) == ["customers", "policies"])
                let check = try await Verify(file: fixture, target: $0.target).run()
                #expect(check.status == .done && check.totals.read == 200)
            }
        }
    }

    @Test func aDatabaseAndAFileShowHowTheirCollectionsReferToEachOther() async throws {
        try await withFixture { uri, database, fixture in
            let target = try Target(uri: uri, database: database)
            _ = try await Import(fixture, into: target).run()
            let found = try await DiscoveredConfiguration.run(target)
            #expect(found.references.contains { $0.path.description == "customerId" && $0.target == "customers" })
            let drawings = [try await PlanGraph.run(target).drawing, try await PlanGraph.run(file: fixture).drawing]
            for drawing in drawings {
                #expect(drawing.drawn(as: .text).contains("policies"), "\(drawing.drawn(as: .text))")
            }
        }
    }

    /// The file names the database that it is from; a program that forgets to name one must not write there.
    @Test func aTargetWithoutADatabaseIsAnErrorUnlessTheFilesOwnIsMeant() async throws {
        try await withFixture { uri, _, fixture in
            let server = try Target(uri: uri)
            #expect(server.database == nil)
            let error = await #expect(throws: FerryError.self) { try await Import(fixture, into: server).run() }
            #expect(error?.kind == .usage && error?.text.hasPrefix("which database?") == true)
            var options = ImportOptions()
            options.usesDatabaseOfFile = true
            options.isDryRun = true
            let report = try await Import(fixture, into: server, options).run()
            #expect(try report.database == Inspection(fixture).metadata?.database)
        }
    }

    @Test func whatLiesBeneathAnErrorIsThereForPrograms() async throws {
        try await withFixture { uri, database, fixture in
            let target = try Target(uri: uri, database: database)
            let missing = await #expect(throws: FerryError.self) {
                try await Import(fixture + ".not", into: target).run()
            }
            #expect((missing?.underlying as? FileError)?.code == ENOENT)
            let gone = try Target(uri: "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300", database: database)
            let unreachable = await #expect(throws: FerryError.self) { try await Import(fixture, into: gone).run() }
            #expect((unreachable?.underlying as? MongoError)?.isServerSelection == true)
        }
    }

    @Test func theTimeThatAPersonTakesToConfirmDoesNotCount() async throws {
        try await withFixture { uri, database, fixture in
            var options = ImportOptions()
            options.confirm = { _ in
                Thread.sleep(forTimeInterval: 0.5)
                return true
            }
            let began = ContinuousClock.now
            let report = try await Import(fixture, into: Target(uri: uri, database: database), options).run()
            #expect(.seconds(report.seconds) < ContinuousClock.now - began - .milliseconds(490))
        }
    }

    @Test func anImportThatIsCancelledWhileItWritesSaysWhatItHasDone() async throws {
        try await withFixture { uri, database, fixture in
            let importing = Import(fixture, into: try Target(uri: uri, database: database))
            let running = Mutex<Task<Report, any Error>?>(nil)
            // The import waits while it tells its progress.
            let operation = OperationContext(onProgress: { step in
                if step.phase == .load, step.collection == "customers" { running.withLock { $0?.cancel() } }
            })
            let task = running.withLock { running in
                let task = Task { try await importing.run(operation) }
                running = task
                return task
            }
            let error = await #expect(throws: FerryError.self) { try await task.value }
            #expect(error?.kind == .interrupted)
            let report = try #require(error?.report)
            #expect(report.status == .interrupted && report.collections.map(\.name).first == "customers")
        }
    }

    @Test func aTaskThatIsCancelledBeforeItBeginsStopsCleanly() async throws {
        try await withFixture { uri, database, fixture in
            let target = try Target(uri: uri, database: database)
            let task = Task { try await Import(fixture, into: target).run() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    /// Runs `body` with a file of customers and their policies, and the name of a temporary database.
    private func withFixture(_ body: (_ uri: String, _ database: String, _ fixture: String) async throws -> Void)
        async throws
    {
        let name = "mongoferry_test_\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let path = NSTemporaryDirectory() + name + ".csv"
        try withTestDatabase { database, _ in
            for name in ["customers", "policies"] { try database.insert(LegacyFile.documents(name), into: name) }
            try database.export(to: path) { $0.reproducible = true }
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            try await body(try testURI(), name, path)
            try drop(name)
        } catch {
            try drop(name)
            throw error
        }
    }

    private func drop(_ name: String) throws {
        try withTestDatabase { database, _ in _ = try database.client.runWrite(["dropDatabase": 1], on: name) }
    }
}
