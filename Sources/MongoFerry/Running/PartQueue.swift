import Synchronization

/// The parts of the work that no thread has taken yet, in the order in which to process them.
final class PartQueue<Part: Sendable>: Sendable {
    private let parts: Mutex<[(part: Part, isLarge: Bool)]>

    /// - Parameter isLarge: whether a part may hold huge documents.
    init(_ parts: [Part], isLarge: (Part) -> Bool) {
        self.parts = Mutex(parts.reversed().map { ($0, isLarge($0)) })
    }

    /// Removes all parts, so that no thread takes another.
    func close() { parts.withLock { $0.removeAll() } }

    /// Removes and returns the next part; nil if there is none.
    /// - Parameter takesLarge: false to skip the large parts and leave them to others.
    func next(takesLarge: Bool) -> Part? {
        parts.withLock { parts in
            parts.lastIndex { takesLarge || !$0.isLarge }.map { parts.remove(at: $0).part }
        }
    }
}
