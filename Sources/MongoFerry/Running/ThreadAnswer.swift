/// The result of a closure that runs on its own thread, for the thread that waits for it.
// @unchecked: every access to the result is under the condition's lock.
final class ThreadAnswer<Value: Sendable>: @unchecked Sendable {
    private let condition = MonotonicCondition()
    private var result: Result<Value, any Error>?

    /// Starts the thread.
    /// - Throws: ``FerryError`` if the system creates no thread; then `body` is not run.
    init(of body: @escaping @Sendable () throws -> Value) throws {
        try SystemThread.start {
            let result = Result { try body() }
            self.condition.lock()
            self.result = result
            self.condition.broadcast()
            self.condition.unlock()
        }
    }

    /// Waits for the result; nil if it has not come within that many seconds.
    func wait(seconds: Double) -> Result<Value, any Error>? {
        condition.lock()
        defer { condition.unlock() }
        let end = ContinuousClock.now + .seconds(seconds)
        while result == nil, condition.wait(until: end) {}
        return result
    }

    /// Waits for the result without a time limit.
    func wait() -> Result<Value, any Error> {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result { return result }
            condition.wait()
        }
    }
}
