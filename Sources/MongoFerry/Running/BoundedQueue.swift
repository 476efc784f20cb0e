import Foundation

/// Passes whole batches between threads and blocks the producer while the queue is full.
// @unchecked: every access to the state is under the condition's lock.
final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var elements: [Element] = []
    private let capacity: Int
    private var isClosed = false
    /// How many threads wait. None is woken while there is nothing for it, unless both kinds wait: on a busy machine that
    /// takes the time of one that works.
    private var (waitingForRoom, waitingForElement) = (0, 0)

    init(capacity: Int) { self.capacity = capacity }

    /// Waits for room; returns false without taking the element if the queue has been closed.
    func push(_ element: Element) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while elements.count >= capacity && !isClosed {
            waitingForRoom += 1
            condition.wait()
            waitingForRoom -= 1
        }
        if isClosed { return false }
        elements.append(element)
        wake(waitingForElement, others: waitingForRoom)
        return true
    }

    /// Waits for an element; nil if the queue is closed and empty.
    func pop() -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while elements.isEmpty && !isClosed {
            waitingForElement += 1
            condition.wait()
            waitingForElement -= 1
        }
        guard !elements.isEmpty else { return nil }
        defer { wake(waitingForRoom, others: waitingForElement) }
        return elements.removeFirst()
    }

    /// Wakes one of those that wait for what has come, or all threads if `others` wait too: a signal may reach any.
    private func wake(_ concerned: Int, others: Int) {
        guard concerned > 0 else { return }
        if others == 0 { condition.signal() } else { condition.broadcast() }
    }

    /// Accepts no more elements; those already queued can still be popped.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
