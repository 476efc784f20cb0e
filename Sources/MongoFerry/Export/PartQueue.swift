import Synchronization

/// Parts that nobody reads yet, in the order in which their rows are wanted.
final class PartQueue: Sendable {
    private let parts: Mutex<[ReadPart]>

    init(_ parts: [ReadPart]) { self.parts = Mutex(parts.reversed()) }

    /// Takes the next part out; nil where there is none.
    /// - Parameter takesLarge: false to leave those that may hold huge documents to others.
    func next(takesLarge: Bool) -> ReadPart? {
        parts.withLock { parts in
            parts.lastIndex { takesLarge || !$0.isLarge }.map { parts.remove(at: $0) }
        }
    }
}
