import BSON

/// Learns from documents of one collection which types its paths hold.
public struct TypeObserver: Sendable {
    private struct Seen: Sendable {
        var count = 0
        /// nil for what the configuration has no word for.
        var type: ObservedType?
    }

    private var walker: PathWalker
    private var seen: [Seen] = []

    /// - Parameter maximumNames: different names in one place, the document itself aside; where there are more, nothing
    ///   below it is looked at.
    public init(maximumNames: Int = .max) { walker = PathWalker(maximumNames: maximumNames) }

    /// Looks at one document more.
    /// - Throws: `BSONError` where it is damaged.
    public mutating func add(_ document: RawDocument) throws {
        // Taken out for the walk: the closure must not hold what the walk changes.
        var seen: [Seen] = []
        swap(&seen, &self.seen)
        defer { swap(&seen, &self.seen) }
        try walker.forEachValue(in: document) { id, element in
            guard element.type != .null && element.type != .undefined else { return }
            while seen.count <= id { seen.append(Seen()) }
            let type = ObservedType(of: element)
            if seen[id].count == 0 {
                seen[id].type = type
            } else if seen[id].type != type {
                seen[id].type = .several
            }
            seen[id].count += 1
        }
    }

    /// The type of each path that holds values which the configuration has a word for.
    public var types: [FieldPath: ObservedType] {
        var types: [FieldPath: ObservedType] = [:]
        for (path, type, _) in observations { types[path] = type }
        return types
    }

    /// The same in the order in which the paths were met, with the number of values.
    public var observations: [(path: FieldPath, type: ObservedType, values: Int)] {
        seen.indices.compactMap { id in
            guard seen[id].count > 0, let path = walker.path(id) else { return nil }
            return seen[id].type.map { (path, $0, seen[id].count) }
        }
    }
}

extension ObservedType {
    /// The type of one value; nil for what the configuration has no word for.
    fileprivate init?(of element: RawElement) {
        guard let type = FieldType(of: element) else { return nil }
        if type == .binary, let (subtype, _) = element.binary {
            self = .binary(subtype: subtype)
        } else {
            self = .one(type)
        }
    }
}
