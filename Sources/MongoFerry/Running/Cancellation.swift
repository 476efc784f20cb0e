import Synchronization

/// Somebody wants an operation to stop: looked at between batches, so that it stops cleanly.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)
    private let whole: Cancellation?

    /// Nobody wants it to stop yet.
    public init() { whole = nil }

    /// Of a part of the work, which stops with the whole, and by itself where one of its threads has failed.
    init(ofPartOf whole: Cancellation) { self.whole = whole }

    /// Asks the operation to stop. It does so soon, not at once; there is no way back.
    public func cancel() { flag.store(true, ordering: .relaxed) }

    /// Whether somebody wants the operation to stop; it may still be running.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) || whole?.isCancelled ?? false }

    /// - Throws: `CancellationError` once ``cancel()`` was called.
    public func check() throws {
        if isCancelled { throw CancellationError() }
    }
}
