import BSON

/// Looks for a field beside the ids that tells which collection each refers to: `ownerType` beside `ownerId`.
struct PolymorphicJudge {
    private struct Case {
        let value: Value
        let target: Int
        let existing: Int
        let sampled: Int
    }

    /// With this many values, an accidental match with two labels happens once in a hundred cases.
    private static let fewValues = 8

    let path: PathEvidence
    let targets: [TargetProfile]
    let isTelling: Bool

    /// A reference for each value of the field that distinguishes best; nil if there is none.
    func references() -> [Reference]? {
        let hitting = targets.indices.filter { path.hitCount($0) > 0 }
        guard hitting.count >= 2 else { return nil }
        // If one collection has all values, there is nothing to distinguish; but integers may be in all by accident.
        if isTelling, hitting.contains(where: { path.hitCount($0) == path.count }) { return nil }
        let labels = path.labels
        let fields = Set(labels.flatMap(\.keys)).sorted { $0.precedes($1) }
        let telling = fields.compactMap { field in cases(of: field, labels, hitting).map { (field: field, cases: $0) } }
        let best = telling.min { left, right in
            let (leftLikeness, rightLikeness) = (likeness(of: left.field), likeness(of: right.field))
            if leftLikeness != rightLikeness { return leftLikeness > rightLikeness }
            return left.cases.count < right.cases.count
        }
        return best.map { field, cases in
            cases.map {
                Reference(
                    collection: path.collection, path: path.path, target: targets[$0.target].name,
                    condition: ReferenceCondition(field: field, equals: $0.value),
                    origin: .discovered(
                        path.evidence(
                            $0.existing, of: $0.sampled,
                            note: ", where \(ReferenceCondition(field: field, equals: $0.value))")))
            }
        }
    }

    /// The targets for the values of a field; nil if they do not distinguish, or if more than one value in twenty would
    /// match no case, because nobody would check those for dangling references.
    /// - Parameter labels: the path's labels.
    private func cases(of field: String, _ labels: [[String: NeighbouringField]], _ hitting: [Int]) -> [Case]? {
        var groups: [Value: [Int]] = [:]
        let times = path.times
        /// For each value of the path: how often it occurred with a field value that has a target.
        var covered = times
        for (index, beside) in labels.enumerated() {
            covered[index] = beside[field]?.times ?? 0
            // A value that occurred with several belongs to each.
            for value in beside[field]?.values ?? [] { groups[value, default: []].append(index) }
        }
        guard groups.count >= 2 else { return nil }
        var cases: [Case] = []
        for (value, members) in groups.sorted(by: { IDClass.precedes($0.key, $1.key) }) {
            func hits(_ target: Int) -> Int {
                guard let hits = path.hits[target] else { return 0 }
                return members.count { hits[$0] }
            }
            let named = hitting.filter { Self.sounds(value, like: targets[$0].name) }
            let open = isTelling ? hitting : named
            let best = open.max { left, right in
                (hits(left), named.contains(left) ? 1 : 0, right) < (hits(right), named.contains(right) ? 1 : 0, left)
            }
            // If the values of one kind are also found among another's, the field distinguishes nothing.
            if isTelling, open.contains(where: { $0 != best && hits($0) * 20 > members.count }) { return nil }
            guard let best, 2 * hits(best) >= members.count, hits(best) > 0 else {
                for index in members { covered[index] = 0 }
                continue
            }
            cases.append(Case(value: value, target: best, existing: hits(best), sampled: members.count))
        }
        let different = Set(cases.map(\.target)).count
        let all = times.reduce(0, +)
        guard different >= 2, covered.reduce(0, +).isNearlyAll(of: all) else { return nil }
        // Several values for one target may be chance if one of them was sampled fewer than three times.
        if different < cases.count, cases.contains(where: { $0.sampled < 3 }) { return nil }
        if !isTelling, different < cases.count { return nil }
        // With few values, each may have occurred with its label by chance, whatever the field is.
        let saysSo =
            likeness(of: field) >= 2 || cases.allSatisfy { Self.sounds($0.value, like: targets[$0.target].name) }
        return saysSo || path.count >= Self.fewValues ? cases : nil
    }

    /// How much a field's name fits: `ownerType` belongs to `ownerId` more than `status` does.
    private func likeness(of field: String) -> Int {
        let core = NameWords(path.path.lastField).withoutKeyWords
        let words = NameWords(field).words
        let says =
            words.last.map { ["type", "kind", "model", "collection", "class", "entity", "table"].contains($0) } ?? false
        return (says ? 2 : 0) + (!core.isEmpty && words.starts(with: core) ? 1 : 0)
    }

    private static func sounds(_ value: Value, like collection: String) -> Bool {
        guard let text = value.string else { return false }
        let forms = NameWords.forms(of: NameWords(text).words)
        let words = NameWords(collection).words
        return !forms.isDisjoint(with: NameWords.forms(of: words))
    }
}
