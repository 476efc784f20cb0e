import BSON

/// Learns from documents of one collection which types its paths hold.
public struct TypeObserver: Sendable {
    /// What was seen at one path.
    public struct Observation: Sendable {
        public let path: FieldPath
        public let type: ObservedType
        /// Null aside.
        public let values: Int
        /// Whether they are texts that `JSON.stringify` would have made of ids or dates, too.
        public let looksOtherwise: Bool
    }

    private var walker: PathWalker
    private var seen: [TypesSeen] = []

    /// - Parameter maximumNames: different names in one place, the document itself aside; where there are more, nothing
    ///   below it is looked at.
    public init(maximumNames: Int = .max) { walker = PathWalker(maximumNames: maximumNames) }

    /// Looks at one document more.
    /// - Throws: `BSONError` where it is damaged.
    public mutating func add(_ document: RawDocument) throws {
        // Taken out for the walk: the closure must not hold what the walk changes.
        var seen: [TypesSeen] = []
        swap(&seen, &self.seen)
        defer { swap(&seen, &self.seen) }
        try walker.forEachValue(in: document) { id, element in
            guard element.type != .null && element.type != .undefined else { return }
            while seen.count <= id { seen.append(TypesSeen()) }
            seen[id].add(element)
        }
    }

    /// The type of each path that holds values which the configuration has a word for.
    public var types: [FieldPath: ObservedType] {
        var types: [FieldPath: ObservedType] = [:]
        for seen in observations { types[seen.path] = seen.type }
        return types
    }

    /// The same in the order in which the paths were met, with more about them.
    public var observations: [Observation] {
        seen.indices.compactMap { id in
            guard seen[id].count > 0, let type = seen[id].type, let path = walker.path(id) else { return nil }
            return Observation(
                path: path, type: type, values: seen[id].count, looksOtherwise: seen[id].looksOtherwise)
        }
    }
}
