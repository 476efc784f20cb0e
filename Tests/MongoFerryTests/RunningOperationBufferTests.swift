import Testing

@testable import MongoFerry

/// Sequences that nobody reads while the operation runs.
@Suite struct RunningOperationBufferTests {
    /// Tells 10,000 steps and as many messages.
    private struct Talkative: FerryOperation {
        static let count = 10_000

        func runBlocking(_ operation: OperationContext) throws -> Report {
            for number in 1...Self.count {
                operation.progress(.load, "items", records: number)
                operation.info("\(number)")
            }
            return Report(operation: .import)
        }
    }

    @Test func aSlowReaderGetsTheLatestStepsAndAllMessages() async throws {
        let running = Talkative().start()
        _ = try await running.report
        let steps = await running.progress.reduce(into: [Int]()) { $0.append($1.records) }
        #expect(steps == Array(Talkative.count - 63...Talkative.count))
        let messages = await running.messages.reduce(into: [String]()) { $0.append($1.text) }
        #expect(messages == (1...Talkative.count).map(String.init))
    }
}
