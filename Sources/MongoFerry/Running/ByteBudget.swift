import Foundation

/// How many bytes may be on their way at once.
///
/// Batches are of a size, but one document may be a hundred times as large: then it goes by itself.
// @unchecked: every access to the state is under the condition's lock.
final class ByteBudget: @unchecked Sendable {
    private let condition = NSCondition()
    private let limit: Int
    private var used = 0
    private var isOpen = true

    init(_ limit: Int) { self.limit = limit }

    /// Waits until `bytes` more fit, or until nothing else is on its way; false where the budget was closed.
    func take(_ bytes: Int) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while isOpen, used > 0, used + bytes > limit { condition.wait() }
        used += bytes
        return isOpen
    }

    /// Waits until at most half of it is on its way: what is read ahead of a huge document would be held beside it.
    /// - Returns: false where the budget was closed.
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

    /// Lets everybody through who waits: the operation has failed.
    func close() {
        condition.lock()
        isOpen = false
        condition.broadcast()
        condition.unlock()
    }
}
