import Synchronization

/// A count that several threads add to.
final class Tally: Sendable {
    private let value = Atomic<Int>(0)

    /// Adds `amount` and returns the new value.
    @discardableResult
    func add(_ amount: Int) -> Int { value.add(amount, ordering: .relaxed).newValue }
}
