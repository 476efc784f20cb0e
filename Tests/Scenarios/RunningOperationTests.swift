import Foundation
import MongoFerry
import Testing

/// Operations watched and stopped by their callers.
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
            #expect(report.status == "done")
            #expect(phases.isSuperset(of: [.preflight, .load, .swap]))
            #expect(loaded.values.reduce(0, +) == report.totals.read)
            #expect(await messages.contains { $0.hasPrefix("import into ") })
        }
    }

    @Test func aReportNeedsNobodyWhoReadsTheProgress() async throws {
        try await withTwoNames { file, target in
            let report = try await Verify(file: file, target: nil).start().report
            #expect(report.status == "done")
        }
    }

    @Test func cancellingStopsItAndEndsTheSequences() async throws {
        try await withTwoNames { file, target in
            let running = Import(file, into: target, ImportOptions()).start()
            running.cancel()
            for await _ in running.progress {}
            await #expect(throws: (any Error).self) { _ = try await running.report }
        }
    }

    @Test func cancellingWhoeverWaitsStopsItToo() async throws {
        try await withTwoNames { file, target in
            let waiting = Task { try await Import(file, into: target, ImportOptions()).start().report }
            waiting.cancel()
            await #expect(throws: (any Error).self) { _ = try await waiting.value }
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
