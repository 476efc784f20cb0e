@testable import MongoFerry
import Testing

@testable import MongoFerryCLI

@Suite struct ProgressMeterTests {
    private static let start = ContinuousClock.now

    private static func progress(_ records: Int) -> OperationProgress {
        OperationProgress(phase: .load, collection: "a", records: records, total: 1000, bytes: 0)
    }

    private static func after(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test func theRateIsThatOfTheLastSeconds() {
        var meter = ProgressMeter(Self.progress(0), at: Self.start)
        for second in 1...20 {
            meter.note(Self.progress(second * (second <= 10 ? 1 : 20)), at: Self.after(Double(second)))
        }
        let rate = meter.reading(at: Self.after(20)).rate ?? 0
        #expect(rate > 15 && rate < 45, "\(rate)")
    }

    /// Nothing is noted then, so nothing has pushed the samples of the time before out of the window.
    @Test func inAStallTheRateIsZeroAndNobodyKnowsWhatIsLeft() throws {
        var meter = ProgressMeter(Self.progress(0), at: Self.start)
        for second in 1...5 { meter.note(Self.progress(second * 100), at: Self.after(Double(second))) }
        #expect(meter.reading(at: Self.after(6)).secondsLeft != nil)
        let reading = meter.reading(at: Self.after(31))
        #expect(reading.rate == 0 && reading.secondsLeft == nil)
        #expect(try #require(reading.secondsWaiting) > 25)
    }
}
