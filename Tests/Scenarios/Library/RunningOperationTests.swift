import BSON
import Foundation
import MongoFerry
import Testing

/// Operations that are watched and stopped by their callers.
@Suite struct RunningOperationTests {
    @Test func progressAndMessagesAreSequencesThatEndWithTheOperation() async throws {
        try await withTwoNames { file, target in
            var options = ImportOptions()
            options.mode = .replace
            let running = Import(file, into: target, options).start()
            async let messages = running.messages.reduce(into: [String]()) { $0.append($1.text) }
            var phases: Set<OperationProgress.Phase> = []
            var loaded: [String: Int] = [:]
            for await step in running.progress {
                phases.insert(step.phase)
                if step.phase == .load, let name = step.collection {
                    loaded[name] = max(loaded[name] ?? 0, step.records)
                }
            }
            let report = try await running.report
            #expect(report.status == .done)
            #expect(phases.isSuperset(of: [.preflight, .load, .swap]))
            #expect(loaded.values.reduce(0, +) == report.totals.read)
            #expect(await messages.contains { $0.hasPrefix("import into ") })
        }
    }

    @Test func optionsThatWouldBePassedOverAreRefused() async throws {
        try await withTwoNames { file, target in
            for configure: (inout ImportOptions) -> Void in [
                {
                    $0.mode = .insert
                    $0.upsertKeys = ["n"]
                },
                {
                    $0.mode = .replace
                    $0.upsertKeys = ["n"]
                }, { $0.inPlace = true },
            ] {
                var options = ImportOptions()
                configure(&options)
                let error = await #expect(throws: FerryError.self) {
                    _ = try await Import(file, into: target, options).run()
                }
                #expect(error?.kind == .usage && error?.text.contains(/(goes|go) with mode \./) == true)
            }
        }
    }

    /// -1 is what a call returns that could not open a descriptor.
    @Test(.timeLimit(.minutes(1))) func aDescriptorThatIsNotOpenIsAnError() async throws {
        try await withTwoNames { _, target in
            for descriptor in [-1, 987] as [Int32] {
                let error = await #expect(throws: FerryError.self) {
                    _ = try await Import(spooling: descriptor, into: target).run()
                }
                #expect(error?.text == "standard input: cannot open: Bad file descriptor")
                #expect(error?.details == ["Nothing was written."])
                // As shown by programs that do not know this library's errors.
                #expect(error?.localizedDescription.hasSuffix("Nothing was written.") == true)
            }
        }
    }

    @Test func aReportNeedsNobodyWhoReadsTheProgress() async throws {
        try await withTwoNames { file, target in
            let report = try await Verify(file: file, target: nil).start().report
            #expect(report.status == .done)
        }
    }

    @Test func cancellingStopsItAndEndsTheSequences() async throws {
        try await withTwoNames { file, target in
            let running = Import(file, into: target).start()
            running.cancel()
            for await _ in running.progress {}
            await #expect(throws: CancellationError.self) { _ = try await running.report }
        }
    }

    @Test func cancellingWhoeverWaitsStopsItToo() async throws {
        try await withTwoNames { file, target in
            let waiting = Task { try await Import(file, into: target).start().report }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { _ = try await waiting.value }
        }
    }

    /// As after a machine has slept for long: by then, its lock is another import's.
    @Test func anImportThatHasLostItsLockSwapsNothingMore() throws {
        try withTestDatabase { database, folder in
            let names = ["customers", "payments", "policies"]
            func fill(_ generation: String) throws {
                for name in names { try database.insert([["_id": .string(generation)]], into: name) }
            }
            try fill("new")
            let file = folder.file("new.csv")
            try database.export(to: file)
            for name in names { try database.delete(name, [:]) }
            try fill("old")
            let owner: Document = ["$set": ["owner": "another import"]]
            let (pool, databaseName) = (database.pool, database.name)
            let operation = OperationContext(onProgress: { progress in
                guard progress.phase == .swap, progress.collection == names[0] else { return }
                let steal: Document = ["update": "__mongoferry_lock", "updates": [["q": [:], "u": .document(owner)]]]
                _ = try? pool.withClient { try $0.runWrite(steal, on: databaseName) }
                // Until the import has checked its lock again.
                Thread.sleep(forTimeInterval: 7)
            })
            var options = ImportOptions()
            options.mode = .replace
            let error = #expect(throws: FerryError.self) {
                _ = try Import(file, into: database.target, options).runBlocking(operation)
            }
            #expect(error?.description.contains("another import has taken the lock") == true)
            #expect(
                error?.description.contains("Swapped in before: none. What is there now was not looked at.") == true)
            #expect(
                try names.map { try database.documents(in: $0).compactMap { $0["_id"]?.string } } == [
                    ["old"], ["old"], ["old"],
                ])
            #expect(try database.documents(in: "__mongoferry_lock").map { $0["owner"]?.string } == ["another import"])
            // Without the other lock, the next import completes, and leaves nothing behind.
            try database.run(["drop": "__mongoferry_lock"])
            #expect(try Import(file, into: database.target, options).runBlocking(OperationContext()).status == .done)
            #expect(
                try names.map { try database.documents(in: $0).compactMap { $0["_id"]?.string } } == [
                    ["new"], ["new"], ["new"],
                ])
        }
    }

    private func withTwoNames(_ body: (_ file: String, _ target: Target) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "running_\(UInt64.random(in: 0 ... .max)).csv"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try withTestDatabase { database, _ in
            for name in ["customers", "policies"] { try database.insert(LegacyFile.documents(name), into: name) }
            try database.export(to: path)
        }
        try await Fixture(path).withDatabase { try await body(path, $0.target) }
    }
}
