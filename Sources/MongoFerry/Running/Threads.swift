import Foundation
import Synchronization

/// Threads for blocking work: libmongoc, files, compressors. Swift's own pool is never blocked.
package enum Threads {
    /// Room for the deepest document that a server stores, walked by recursion.
    private static let stackSize = 8 << 20

    /// So many threads may do one kind of work: more bring nothing, and each takes some 10 MB.
    package static let jobsRange = 1...256

    /// As many as somebody wants, within reason; nil takes the best number.
    static func jobs(_ wanted: Int?) -> Int {
        wanted.map { min(max($0, jobsRange.lowerBound), jobsRange.upperBound) } ?? defaultJobs
    }

    /// Runs all of `bodies` at the same time and waits for them.
    ///
    /// `onFailure` is called at the first error, to wake up what waits for a body that has stopped.
    /// - Throws: the first error that a body threw.
    static func runAll(_ bodies: [@Sendable () throws -> Void], onFailure: @escaping @Sendable () -> Void = {}) throws {
        let state = JoinState(waitingFor: bodies.count)
        for body in bodies {
            let thread = Thread {
                do {
                    try body()
                    state.end(with: nil)
                } catch {
                    if state.note(error) { onFailure() }
                    state.end(with: error)
                }
            }
            thread.stackSize = stackSize
            thread.start()
        }
        try state.join()
    }

    /// Runs `body` on the calling thread and `other` on one of its own at the same time, and waits for both.
    /// - Throws: what `body` threw; else what `other` threw.
    static func run<Result, Other: Sendable>(
        _ body: () throws -> Result, beside other: @escaping @Sendable () throws -> Other
    ) throws -> (Result, Other) {
        let answer = Mutex<Swift.Result<Other, any Error>?>(nil)
        let state = JoinState(waitingFor: 1)
        let thread = Thread {
            let result = Swift.Result { try other() }
            answer.withLock { $0 = result }
            state.end(with: nil)
        }
        thread.stackSize = stackSize
        thread.start()
        let result = Swift.Result { try body() }
        try state.join()
        let mine = try result.get()
        return (mine, try answer.withLock { $0 }?.get() ?? other())
    }

    /// Runs blocking work on a thread of its own, cancelled with the task that waits for it.
    static func run<Result: Sendable>(
        cancelling cancellation: Cancellation, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
                thread.stackSize = stackSize
                thread.start()
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}

/// Waits for threads and keeps their first error.
// @unchecked: every access to the state is under the condition's lock.
private final class JoinState: @unchecked Sendable {
    private let condition = NSCondition()
    private var running: Int
    private var firstError: (any Error)?

    init(waitingFor count: Int) { running = count }

    /// True for the first error.
    func note(_ error: any Error) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        if firstError != nil { return false }
        firstError = error
        return true
    }

    func end(with error: (any Error)?) {
        condition.lock()
        running -= 1
        condition.broadcast()
        condition.unlock()
    }

    func join() throws {
        condition.lock()
        defer { condition.unlock() }
        while running > 0 { condition.wait() }
        if let firstError { throw firstError }
    }
}
