import Foundation

/// Threads for blocking work: libmongoc, files, compressors. Swift's own pool is never blocked.
package enum Threads {
    /// So many threads may do one kind of work: more bring nothing, and each takes some 10 MB.
    package static let jobsRange = 1...256

    /// As many as somebody wants, within reason; nil takes the best number.
    static func jobs(_ wanted: Int?) -> Int {
        wanted.map { min(max($0, jobsRange.lowerBound), jobsRange.upperBound) } ?? defaultJobs
    }

    /// Threads that do one kind of work, when nobody said how many: each takes some 10 MB, and four of them keep a server
    /// busy.
    static var defaultJobs: Int { min(4, max(2, ProcessInfo.processInfo.activeProcessorCount)) }

    /// Threads that compress what one can only write: as many as somebody wants, or as there are cores, up to eight.
    static func compressors(_ wanted: Int?) -> Int {
        min(8, wanted.map { jobs($0) } ?? max(1, ProcessInfo.processInfo.activeProcessorCount))
    }

    /// Runs all of `bodies` at the same time and waits for them.
    ///
    /// - Parameters:
    ///   - onFailure: called at the first error, to wake up what waits for a body that has stopped.
    ///   - start: starts a thread.
    /// - Throws: the first error that a body threw; ``FerryError`` where there are no threads for all of them, when those
    ///   that were started have ended.
    static func runAll(
        _ bodies: [@Sendable () throws -> Void], onFailure: @escaping @Sendable () -> Void = {},
        start: (@escaping @Sendable () -> Void) throws -> Void = SystemThread.start
    ) throws {
        let state = JoinState(waitingFor: bodies.count)
        for (index, body) in bodies.enumerated() {
            do {
                try start {
                    do {
                        try body()
                    } catch {
                        if state.note(error) { onFailure() }
                    }
                    state.end()
                }
            } catch {
                if state.note(error) { onFailure() }
                state.end(bodies.count - index)
                break
            }
        }
        try state.join()
    }

    /// Runs `body` on the calling thread and `other` on one of its own at the same time, and waits for both.
    /// - Throws: what `body` threw; else what `other` threw; ``FerryError`` where there is no thread, before either.
    static func run<Result, Other: Sendable>(
        _ body: () throws -> Result, beside other: @escaping @Sendable () throws -> Other
    ) throws -> (Result, Other) {
        let answer = try ThreadAnswer(of: other)
        let result = Swift.Result { try body() }
        let others = answer.wait()
        return (try result.get(), try others.get())
    }

    /// Does the parts of a piece of work on the calling thread and on as many more as there are cores for, where the system
    /// makes them, and waits for all.
    static func share(_ parts: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let taken = Tally()
        let work = { @Sendable in
            while case let part = taken.add(1) - 1, part < parts { body(part) }
        }
        let others = help(min(parts, ProcessInfo.processInfo.activeProcessorCount) - 1, work)
        work()
        others.wait()
    }

    /// Runs `body` on so many threads, or as many as the system makes: the work is done by those that there are.
    /// - Returns: what waits for their end.
    static func help(_ count: Int, _ body: @escaping @Sendable () -> Void) -> DispatchGroup {
        let helpers = DispatchGroup()
        for _ in 0..<max(0, count) {
            helpers.enter()
            let isStarted =
                (try? SystemThread.start {
                    body()
                    helpers.leave()
                }) != nil
            if !isStarted { helpers.leave() }
        }
        return helpers
    }

    /// Runs blocking work on a thread of its own, cancelled with the task that waits for it.
    static func run<Result: Sendable>(
        cancelling cancellation: Cancellation, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                do {
                    try SystemThread.start { continuation.resume(with: Swift.Result { try body() }) }
                } catch { continuation.resume(throwing: error) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Runs something that may wait for long and does not look at `cancellation`; left to itself when somebody wants to
    /// stop.
    /// - Throws: what `body` throws; `CancellationError`.
    static func run<Result: Sendable>(
        leavingOn cancellation: Cancellation, _ body: @escaping @Sendable () throws -> Result
    ) throws -> Result {
        let answer = try ThreadAnswer(of: body)
        while true {
            if let result = answer.wait(seconds: 0.1) { return try result.get() }
            try cancellation.check()
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

    func end(_ count: Int = 1) {
        condition.lock()
        running -= count
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
