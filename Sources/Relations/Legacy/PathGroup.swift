import BSON

/// What is said of one path, or of many that differ in a name: names may be data, and nobody reads thousands of lines.
struct PathGroup<Element> {
    /// "policies.customerId", or "users.visits.*.at (4,900 paths)".
    let place: String
    /// In the order in which they were given.
    let elements: [Element]

    /// Paths that differ in one name are named together if there are more than this.
    private static var mostNamed: Int { 50 }
    /// The number of names on the way to a value that may be data.
    private static var mostWildcards: Int { 3 }

    /// Puts elements together that are of the same kind, each group where its first element stands.
    /// - Parameters:
    ///   - place: an element's collection and path.
    ///   - kind: what elements of a group have in common.
    static func groups(
        _ elements: [Element], place: (Element) -> (collection: String, path: FieldPath), kind: (Element) -> String
    ) -> [PathGroup] {
        var patterns = elements.map { element in
            let (collection, path) = place(element)
            return PathPattern(collection: ExactName(collection), kind: kind(element), steps: path.steps)
        }
        for _ in 0..<mostWildcards { patterns = widened(patterns) }
        var places: [PathPattern: Int] = [:]
        var members: [[Int]] = []
        for (index, pattern) in patterns.enumerated() {
            let group = places[pattern] ?? members.count
            if group == members.count {
                places[pattern] = group
                members.append([])
            }
            members[group].append(index)
        }
        return members.map { indexes in
            let count = indexes.count == 1 ? "" : " (\(indexes.count.grouped) paths)"
            return PathGroup(place: patterns[indexes[0]].description + count, elements: indexes.map { elements[$0] })
        }
    }

    /// Replaces in each pattern the name in which it differs from the most others, if these are too many to be named.
    private static func widened(_ patterns: [PathPattern]) -> [PathPattern] {
        let distinct = Set(patterns)
        guard distinct.count > mostNamed else { return patterns }
        var counts: [PathPattern: Int] = [:]
        for pattern in distinct { for wider in pattern.wider { counts[wider, default: 0] += 1 } }
        return patterns.map { pattern in
            var (widest, most) = (pattern, mostNamed)
            for wider in pattern.wider {
                let count = counts[wider] ?? 0
                if count > most { (widest, most) = (wider, count) }
            }
            return widest
        }
    }
}

/// A path in which some names may be any.
private struct PathPattern: Hashable, CustomStringConvertible {
    let collection: ExactName
    let kind: String
    /// Nil for any name.
    private let steps: [FieldPath.Step?]

    init(collection: ExactName, kind: String, steps: [FieldPath.Step?]) {
        (self.collection, self.kind, self.steps) = (collection, kind, steps)
    }

    /// The patterns with one name less. Names of the first level are fields, however many there are.
    var wider: [PathPattern] {
        steps.indices.dropFirst().compactMap { index in
            guard case .field? = steps[index] else { return nil }
            var steps = steps
            steps[index] = nil
            return PathPattern(collection: collection, kind: kind, steps: steps)
        }
    }

    var description: String { "\(collection.text).\(FieldPath(steps: steps.map { $0 ?? .field("*") }))" }
}
