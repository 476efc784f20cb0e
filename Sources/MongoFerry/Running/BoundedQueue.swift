import Foundation

/// Passes whole batches between threads and blocks the producer while the queue is full.
// @unchecked: every access to the state is under the condition's lock.
final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var elements: [Element] = []
    private let capacity: Int
    private var isClosed = false

    init(capacity: Int) { self.capacity = capacity }

    /// Waits for room; returns false without taking the element if the queue has been closed.
    func push(_ element: Element) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while elements.count >= capacity && !isClosed { condition.wait() }
        if isClosed { return false }
        elements.append(element)
        condition.broadcast()
        return true
    }

    /// Waits for an element; nil if the queue is closed and empty.
    func pop() -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while elements.isEmpty && !isClosed { condition.wait() }
        guard !elements.isEmpty else { return nil }
        defer { condition.broadcast() }
        return elements.removeFirst()
    }

    /// Accepts no more elements; those already queued can still be popped.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
