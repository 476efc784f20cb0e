import Synchronization

/// Parts of the work that nobody does yet, in the order in which they are wanted.
final class PartQueue<Part: Sendable>: Sendable {
    private let parts: Mutex<[(part: Part, isLarge: Bool)]>

    /// - Parameter isLarge: whether a part may hold huge documents.
    init(_ parts: [Part], isLarge: (Part) -> Bool) {
        self.parts = Mutex(parts.reversed().map { ($0, isLarge($0)) })
    }

    /// Lets nobody take another part.
    func close() { parts.withLock { $0.removeAll() } }

    /// Takes the next part out; nil where there is none.
    /// - Parameter takesLarge: false to leave the large ones to others.
    func next(takesLarge: Bool) -> Part? {
        parts.withLock { parts in
            parts.lastIndex { takesLarge || !$0.isLarge }.map { parts.remove(at: $0).part }
        }
    }
}
