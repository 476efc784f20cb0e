import BSON

/// Learns from the documents of one collection which types its paths hold.
public struct TypeObserver: Sendable {
    /// What was seen at one path.
    public struct Observation: Sendable {
        public let path: FieldPath
        public let type: ObservedType
        /// The number of values except null.
        public let values: Int
        /// Whether these are strings that `JSON.stringify` could also have made of ids or dates.
        public let looksOtherwise: Bool
    }

    private var walker: PathWalker
    /// The numbers of the paths whose types are wanted, in the order of ``unseen``.
    private let wanted: [PathWalker.PathID]
    private var seen: [TypesSeen] = []

    /// - Parameter maximumNames: the maximum number of different names at one path, the top level excepted. What is
    ///   below a path with more is ignored.
    public init(maximumNames: Int = .max) { self.init(walker: PathWalker(maximumNames: maximumNames)) }

    /// - Parameter wanted: the numbers of the paths whose types are wanted.
    init(walker: PathWalker, wanted: [PathWalker.PathID] = []) { (self.walker, self.wanted) = (walker, wanted) }

    /// Whether there were too many different paths to look at all of them.
    public var isFull: Bool { walker.isFull }

    /// The paths whose types are wanted and at which there was nothing but null.
    public var unseen: [FieldPath] {
        wanted.filter { $0 >= seen.count || seen[$0].count == 0 }.compactMap(walker.path)
    }

    /// Adds one document.
    /// - Throws: `BSONError` where it is damaged.
    public mutating func add(_ document: RawDocument) throws {
        // Moved out for the walk: the closure must not access `self`, which the walk mutates.
        var seen: [TypesSeen] = []
        swap(&seen, &self.seen)
        defer { swap(&seen, &self.seen) }
        try walker.forEachValue(in: document) { id, element in
            guard element.type != .null && element.type != .undefined else { return }
            while seen.count <= id { seen.append(TypesSeen()) }
            seen[id].add(element)
        }
    }

    /// The type of each path, where the configuration has a name for the type of some value.
    public var types: [FieldPath: ObservedType] {
        var types: [FieldPath: ObservedType] = [:]
        for seen in observations { types[seen.path] = seen.type }
        return types
    }

    /// The types of whole numbers that an import of legacy rows would give another type, by path.
    public var lostNumbers: [FieldPath: [FieldType]] {
        var lost: [FieldPath: [FieldType]] = [:]
        for id in seen.indices where !seen[id].lostNumbers.isEmpty {
            if let path = walker.path(id) { lost[path] = seen[id].lostNumbers }
        }
        return lost
    }

    /// The same as ``types`` with details, in the order in which the paths were met.
    public var observations: [Observation] {
        seen.indices.compactMap { id in
            guard seen[id].count > 0, let type = seen[id].type, let path = walker.path(id) else { return nil }
            return Observation(
                path: path, type: type, values: seen[id].count, looksOtherwise: seen[id].looksOtherwise)
        }
    }
}
