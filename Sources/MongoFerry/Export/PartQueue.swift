import Synchronization

/// Parts that nobody reads yet, in the order in which their rows are wanted.
final class PartQueue: Sendable {
    private let parts: [ReadPart]
    private let taken = Atomic<Int>(0)

    init(_ parts: [ReadPart]) { self.parts = parts }

    func next() -> ReadPart? {
        let index = taken.add(1, ordering: .relaxed).oldValue
        return index < parts.count ? parts[index] : nil
    }
}
