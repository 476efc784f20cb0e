import Foundation

/// Threads for blocking work: libmongoc, files, compressors. Swift's own thread pool is never blocked.
package enum Threads {
    /// How many threads may do one kind of work: more gain nothing, and each takes about 10 MB.
    package static let jobsRange = 1...256

    /// Clamps the wanted number of threads to ``jobsRange``; nil selects ``defaultJobs``.
    static func jobs(_ wanted: Int?) -> Int {
        wanted.map { min(max($0, jobsRange.lowerBound), jobsRange.upperBound) } ?? defaultJobs
    }

    /// The default number of threads for one kind of work: each takes about 10 MB, and four keep a server busy.
    static var defaultJobs: Int { min(4, max(2, ProcessInfo.processInfo.activeProcessorCount)) }

    /// The number of threads that compress an export's gzip output: as many as wanted, or one per core; at most eight.
    static func compressors(_ wanted: Int?) -> Int {
        min(8, wanted.map { jobs($0) } ?? max(1, ProcessInfo.processInfo.activeProcessorCount))
    }

    /// Runs all of `bodies` at the same time and waits for them.
    ///
    /// - Parameters:
    ///   - onFailure: called at the first error, to wake up threads that wait for the body that has stopped.
    ///   - start: starts a thread.
    /// - Throws: the first error that a body threw; ``FerryError`` if not all threads could be created, once those that
    ///   were started have ended.
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

    /// Runs `body` on the calling thread and `other` concurrently on a new one, and waits for both.
    /// - Throws: what `body` threw; otherwise what `other` threw; ``FerryError`` if no thread could be created, before
    ///   either is run.
    static func run<Result, Other: Sendable>(
        _ body: () throws -> Result, beside other: @escaping @Sendable () throws -> Other
    ) throws -> (Result, Other) {
        let answer = try ThreadAnswer(of: other)
        let result = Swift.Result { try body() }
        let others = answer.wait()
        return (try result.get(), try others.get())
    }

    /// Runs `body` for every part, on the calling thread and on one more thread for each further core as far as the
    /// system creates them, and waits for all parts.
    static func share(_ parts: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let taken = Tally()
        let work = { @Sendable in
            while case let part = taken.add(1) - 1, part < parts { body(part) }
        }
        let others = help(min(parts, ProcessInfo.processInfo.activeProcessorCount) - 1, work)
        work()
        others.wait()
    }

    /// Runs `body` on `count` new threads, or on as many as the system creates: those share the work.
    /// - Returns: a group to wait on until they have ended.
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

    /// Runs blocking work on a new thread; cancelling the waiting task cancels `cancellation`.
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

    /// Runs work that may block for long and does not check `cancellation`. When cancelled, returns without waiting for
    /// it.
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

    /// Records an error; returns true for the first one.
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
