import Testing

@testable import MongoFerry

@Suite struct MonotonicConditionTests {
    @Test(arguments: [-1, 0]) func aTimeThatHasComeIsNotWaitedFor(seconds: Int) {
        let condition = MonotonicCondition()
        let isEarly = condition.withLock { condition.wait(until: .now + .seconds(seconds)) }
        #expect(!isEarly)
    }

    @Test func theWaitEndsAtItsTime() {
        let condition = MonotonicCondition()
        let end = ContinuousClock.now + .milliseconds(1100)
        condition.withLock { while condition.wait(until: end) {} }
        let late = ContinuousClock.now - end
        #expect(late >= .zero && late < .seconds(30))
    }

    @Test func aBroadcastEndsItBefore() throws {
        let condition = MonotonicCondition()
        let end = ContinuousClock.now + .seconds(60)
        let isEarly = try condition.withLock {
            // The thread gets the lock only when this one waits.
            try SystemThread.start { condition.withLock { condition.broadcast() } }
            return condition.wait(until: end)
        }
        #expect(isEarly)
    }
}
