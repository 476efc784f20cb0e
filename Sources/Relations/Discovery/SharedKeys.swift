import BSON

/// Finds collections whose documents share the `_id`s of another's: a profile with the `_id` of its user.
///
/// The part refers to the whole: all of its `_id`s exist there, but not the reverse. If it is named after the whole,
/// nearly all are enough: a profile may remain after its user was deleted.
struct SharedKeys {
    private(set) var references: [Reference] = []
    private(set) var candidates: [ReferenceCandidate] = []
    /// For each target that shares the keys of a larger one, the larger one; both by index.
    private(set) var roots: [Int: Int] = [:]

    private let targets: [TargetProfile]
    private let names: [NameRelation.Name]
    private var keys: [PathEvidence?] = []

    init(paths: [PathEvidence], targets: [TargetProfile]) {
        self.targets = targets
        names = targets.map { NameRelation.Name($0.name) }
        keys = PathEvidence.keys(of: targets, in: paths).map { $0.map { paths[$0] } }
        for part in targets.indices { find(part) }
    }

    private mutating func find(_ part: Int) {
        guard let key = keys[part] else { return }
        // Running numbers are the same everywhere and prove nothing.
        let isTelling = key.mainClass == .objectID || key.mainClass == .uuid || key.hasTellingTexts
        let wholes = targets.indices.filter { whole in whole != part && isHeld(part, by: whole) }
        var accepted: [Int] = []
        for whole in wholes {
            let relation = NameRelation(part: names[part], whole: names[whole])
            let isEqual = keys[whole].map { $0.hitCount(part) == $0.count } ?? false
            let objection: String? =
                if !isTelling {
                    relation == .partOfWhole ? "such _ids are the same in many collections" : nil
                } else if relation == .copy {
                    "one looks like a copy of the other"
                } else if isNamed(whole, after: part) {
                    "\(targets[whole].name) is named after \(targets[part].name)"
                } else if key.mainClass == .objectID, targets[part].hasMadeUpObjectIDs, relation != .partOfWhole {
                    "ObjectIds that count up from zero are the same in many collections"
                } else if isEqual, relation != .partOfWhole {
                    "both have the same _ids, so neither is the part"
                } else {
                    nil
                }
            if let objection {
                candidates.append(
                    ReferenceCandidate(
                        collection: key.collection, path: .id, target: targets[whole].name,
                        existing: key.hitCount(whole), sampled: key.count, reason: objection))
            } else if isTelling {
                accepted.append(whole)
            }
        }
        // Of several, the one that contains the others; among equals, the one that the others are named after.
        let best = accepted.max { left, right in rank(left, among: accepted, part) < rank(right, among: accepted, part)
        }
        guard let best else { return }
        roots[part] = best
        references.append(
            Reference(
                collection: key.collection, path: .id, target: targets[best].name,
                origin: .discovered(key.evidence(key.hitCount(best)))))
    }

    /// Whether enough of a part's `_id`s are in a whole.
    private func isHeld(_ part: Int, by whole: Int) -> Bool {
        guard let key = keys[part] else { return false }
        let existing = key.hitCount(whole)
        return existing == key.count || existing.isNearlyAll(of: key.count) && isNamed(part, after: whole)
    }

    /// Whether a target's name says that it is part of another: `userSettings` and `users`.
    func isNamed(_ part: Int, after whole: Int) -> Bool {
        NameRelation(part: names[part], whole: names[whole]) == .partOfWhole
    }

    private func rank(_ whole: Int, among others: [Int], _ part: Int) -> (Int, Int, Int) {
        let holds = others.count { other in other != whole && isHeld(other, by: whole) }
        // Among equals, prefer the one that the others are named after.
        let named = ([part] + others).count { other in other != whole && isNamed(other, after: whole) }
        return (holds, named, -whole)
    }
}
