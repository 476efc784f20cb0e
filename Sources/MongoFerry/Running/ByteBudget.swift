import Foundation

/// Limits how many bytes may be in flight at once.
///
/// Batches have a target size, but one document may be a hundred times as large: it is admitted alone.
// @unchecked: every access to the state is under the condition's lock.
final class ByteBudget: @unchecked Sendable {
    private let condition = NSCondition()
    private let limit: Int
    private var used = 0
    private var isOpen = true

    init(_ limit: Int) { self.limit = limit }

    /// Waits until `bytes` more fit or nothing else is in flight; returns false if the budget was closed.
    func take(_ bytes: Int) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while isOpen, used > 0, used + bytes > limit { condition.wait() }
        used += bytes
        return isOpen
    }

    /// Waits until at most half of the budget is in use. Anything read ahead of a huge document would be in memory
    /// together with it.
    /// - Returns: false if the budget was closed.
    func waitForRoom() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while isOpen, used > limit / 2 { condition.wait() }
        return isOpen
    }

    func give(back bytes: Int) {
        condition.lock()
        used -= bytes
        condition.broadcast()
        condition.unlock()
    }

    /// Releases all waiting threads: the operation has failed.
    func close() {
        condition.lock()
        isOpen = false
        condition.broadcast()
        condition.unlock()
    }
}
