import Foundation

/// What a thread of its own makes, for the one who waits for it.
// @unchecked: every access to the result is under the condition's lock.
final class ThreadAnswer<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var result: Result<Value, any Error>?

    /// Starts the thread.
    /// - Throws: ``FerryError`` where there is none; `body` is not run then.
    init(of body: @escaping @Sendable () throws -> Value) throws {
        try SystemThread.start {
            let result = Result { try body() }
            self.condition.lock()
            self.result = result
            self.condition.broadcast()
            self.condition.unlock()
        }
    }

    /// Waits for it; nil where it has not come after so many seconds.
    func wait(seconds: Double) -> Result<Value, any Error>? {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date().addingTimeInterval(seconds)
        while result == nil { if !condition.wait(until: deadline) { break } }
        return result
    }

    /// Waits for it as long as it takes.
    func wait() -> Result<Value, any Error> {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result { return result }
            condition.wait()
        }
    }
}
