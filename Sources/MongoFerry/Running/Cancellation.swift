import Synchronization

/// A request to stop an operation. It is checked between batches, so that the operation stops cleanly.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)
    private let whole: Cancellation?

    /// Creates a request that has not been made yet.
    public init() { whole = nil }

    /// Creates the cancellation of a part of the work. It takes effect with `whole`'s, and on its own if one of the
    /// part's threads has failed.
    init(ofPartOf whole: Cancellation) { self.whole = whole }

    /// Asks the operation to stop. It stops soon, not at once; the request cannot be withdrawn.
    public func cancel() { flag.store(true, ordering: .relaxed) }

    /// Whether the operation was asked to stop; it may still be running.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) || whole?.isCancelled ?? false }

    /// - Throws: `CancellationError` once ``cancel()`` has been called.
    public func check() throws {
        if isCancelled { throw CancellationError() }
    }
}
