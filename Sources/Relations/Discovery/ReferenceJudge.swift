import BSON

/// Decides about one path, once it is known where its values exist.
struct ReferenceJudge {
    struct Judgement {
        var references: [Reference] = []
        var candidates: [ReferenceCandidate] = []
    }

    let path: PathEvidence
    let targets: [TargetProfile]
    /// For a target that shares the keys of a larger one, that one.
    let roots: [Int: Int]
    // The same for every target.
    private let isNamedAsKey: Bool
    private let isNamedAsMeasure: Bool
    private let hasDigitsOnly: Bool
    private let averageLength: Double

    init(path: PathEvidence, targets: [TargetProfile], roots: [Int: Int]) {
        self.path = path
        self.targets = targets
        self.roots = roots
        isNamedAsKey = path.isNamedAsKey
        isNamedAsMeasure = path.isNamedAsMeasure
        hasDigitsOnly = path.hasDigitsOnly
        averageLength = path.averageLength
    }

    /// Whether values of this kind exist in two places by no accident.
    private var isTelling: Bool {
        switch path.mainClass {
        case .objectID, .uuid, .document: true
        case .string: path.hasTellingTexts
        case .integer, .date, .decimal: false
        }
    }

    func judge() -> Judgement {
        if let polymorphic = PolymorphicJudge(path: path, targets: targets, isTelling: isTelling).references() {
            return Judgement(references: polymorphic)
        }
        let judgement = isTelling ? judgeTelling() : judgeCommon()
        return judgement.references.isEmpty && judgement.candidates.isEmpty ? storedAsText() : judgement
    }

    // MARK: - Values that prove it

    private func judgeTelling() -> Judgement {
        var judgement = Judgement()
        var rest = targets.indices.filter { path.hitCount($0) > 0 }
        var isExplained = [Bool](repeating: false, count: path.count)
        var chosen: [Int] = []
        /// How many of the values that pass `isAsked` exist in a target.
        func gain(_ target: Int, _ isAsked: (Int) -> Bool) -> Int {
            path.hits[target].map { hits in path.values.indices.count { hits[$0] && isAsked($0) } } ?? 0
        }
        while true {
            let gains = rest.map { target in gain(target) { !isExplained[$0] } }
            guard let most = gains.max(), most > 0, chosen.isEmpty || most > 1 && most * 20 >= path.count else { break }
            // Those in which nearly all of the same values exist are rivals. Of an original some may have been deleted
            // since its copy was made.
            let top = gains.firstIndex(of: most).map { rest[$0] } ?? 0
            let rivals = rest.filter { rival in
                let shared = gain(rival) { !isExplained[$0] && path.hits[top]?[$0] == true }
                return shared * 20 >= most * 19 || shared * 2 >= most && isCopy(top, of: rival)
            }
            guard let best = choose(among: rivals) else {
                // What was found before stays found.
                guard chosen.isEmpty else { break }
                for rival in rivals where 2 * path.hitCount(rival) >= path.count {
                    let others = rivals.filter { $0 != rival }.map { targets[$0].name }
                    judgement.candidates.append(candidate(rival, "they exist in \(others.listed("and")) too"))
                }
                return judgement
            }
            chosen.append(best)
            if let hits = path.hits[best] {
                for index in isExplained.indices where hits[index] { isExplained[index] = true }
            }
            rest.removeAll { other in
                other == best
                    || isCopy(other, of: best)
                        && gain(other) { path.hits[best]?[$0] == true } * 2
                            >= path.hitCount(best)
            }
        }
        let explained = isExplained.count { $0 }
        guard 2 * explained >= path.count else {
            if let target = chosen.first, explained * 10 >= path.count {
                judgement.candidates.append(candidate(target, "that is less than half"))
            }
            return judgement
        }
        for target in chosen {
            let others = chosen.filter { $0 != target }.map { targets[$0].name }
            let note = others.isEmpty ? "" : "; others are in \(others.listed("and"))"
            judgement.references.append(reference(target, path.evidence(path.hitCount(target)) + note))
        }
        return judgement
    }

    private func isCopy(_ target: Int, of original: Int) -> Bool {
        NameRelation.isCopy(targets[target].name, of: targets[original].name)
    }

    /// One of several targets in which the same values exist; nil where nothing tells them apart.
    private func choose(among rivals: [Int]) -> Int? {
        if rivals.count == 1 { return rivals.first }
        let likeness = rivals.map { path.likeness[$0] ?? .none }
        if let best = likeness.max(), best > .none, likeness.count(where: { $0 == best }) == 1 {
            return likeness.firstIndex(of: best).map { rivals[$0] }
        }
        let originals = rivals.filter { !NameRelation.isCopy(targets[$0].name) }
        if originals.count == 1 { return originals.first }
        // One whose keys the others share is what is meant.
        let wholes = rivals.filter { rival in rivals.allSatisfy { $0 == rival || roots[$0] == rival } }
        if wholes.count == 1 { return wholes.first }
        // The values take up all of one, and only a corner of the others.
        let spreads = rivals.map { targets[$0].spread(of: path.existing(in: $0)) }
        let full = spreads.indices.filter { spreads[$0] >= 0.8 }
        if path.count >= 10, full.count == 1, spreads.allSatisfy({ $0 >= 0.8 || $0 <= 0.4 }) { return rivals[full[0]] }
        return nil
    }

    // MARK: - Values that exist in many places

    private func judgeCommon() -> Judgement {
        var accepted: [(target: Int, likeness: NameLikeness, spread: Double)] = []
        var candidates: [(rank: NameLikeness, candidate: ReferenceCandidate)] = []
        for target in targets.indices where 2 * path.hitCount(target) >= path.count && path.hitCount(target) > 0 {
            let likeness = path.likeness[target] ?? .none
            let spread = targets[target].spread(of: path.existing(in: target))
            if let objection = objection(to: target, likeness, spread) {
                if likeness > .none || spread >= 0.5 { candidates.append((likeness, candidate(target, objection))) }
            } else {
                accepted.append((target, likeness, spread))
            }
        }
        var judgement = Judgement()
        let best = accepted.map(\.likeness).max() ?? .none
        let rivals = accepted.filter { $0.likeness == best }
        if rivals.count == 1 {
            judgement.references = [reference(rivals[0].target, path.evidence(path.hitCount(rivals[0].target)))]
            return judgement
        }
        for rival in rivals {
            let others = rivals.filter { $0.target != rival.target }.map { targets[$0.target].name }
            candidates.append((rival.likeness, candidate(rival.target, "they exist in \(others.listed("and")) too")))
        }
        judgement.candidates = candidates.enumerated()
            .sorted { ($1.element.rank, $0.offset) < ($0.element.rank, $1.offset) }
            .prefix(3).map(\.element.candidate)
        return judgement
    }

    /// What speaks against a target; nil is nothing.
    private func objection(to target: Int, _ likeness: NameLikeness, _ spread: Double) -> String? {
        let profile = targets[target]
        let all = path.hitCount(target) == path.count
        let isSelf = profile.name.hasSameBytes(as: path.collection)
        let kind = path.mainClass.plural
        if isSelf, path.sample.isUnique {
            return "each comes once, in their own collection: a second key rather than a reference"
        }
        switch likeness {
        case .same: return nil
        case .partial:
            if isNamedAsKey || spread >= 0.3 && all { return nil }
            return "\(kind) exist in many places, and the name says little"
        case .abbreviated:
            if all, spread >= 0.5, path.count >= 4 { return nil }
            return "\(kind) exist in many places, and the name says little"
        case .none: break
        }
        if path.mainClass == .date || path.mainClass == .decimal {
            return "\(kind) exist in many places, and the name says nothing"
        }
        if isNamedAsMeasure, path.mainClass == .integer { return "the name says that it is a quantity" }
        if path.sample.isUnique, path.mainClass == .integer, profile.density > 0.1 {
            return "each comes once, as in a running number"
        }
        let nearlyAll = path.hitCount(target) * 20 >= path.count * 19
        if path.mainClass == .integer || hasDigitsOnly {
            // Where hardly any number is an id, hitting some is no accident.
            if path.mainClass == .integer, profile.density <= 0.1, path.count >= 6, nearlyAll { return nil }
            if all, path.count >= 30, spread >= Self.fullSpread(path.count) { return nil }
            return path.count < 30
                ? "\(kind) exist in many places, and these are few"
                : "\(kind) exist in many places, and these are not spread over all ids"
        }
        if nearlyAll, path.count >= 10, averageLength >= 6 || spread >= 0.5 { return nil }
        if all, path.count >= 4, spread >= 0.99, averageLength >= 3 { return nil }
        return "\(kind) exist in many places, and these are few"
    }

    /// The tenths that so many values fall into where they are spread evenly.
    private static func fullSpread(_ count: Int) -> Double { count >= 100 ? 1 : count >= 40 ? 0.9 : 0.8 }

    /// Texts of 24 digits that would exist if they were ObjectIds, as restored by tools that lose types.
    private func storedAsText() -> Judgement {
        let found = targets.indices.filter {
            2 * (path.textHits[$0] ?? 0) >= path.count && (path.textHits[$0] ?? 0) > 0
        }
        return Judgement(
            candidates: found.prefix(3).map {
                ReferenceCandidate(
                    collection: path.collection, path: path.path, target: targets[$0].name,
                    existing: path.textHits[$0] ?? 0, sampled: path.count,
                    reason: "as ObjectIds, and here they are texts")
            })
    }

    // MARK: - Texts

    private func reference(_ target: Int, _ evidence: String) -> Reference {
        Reference(
            collection: path.collection, path: path.path, target: targets[target].name, origin: .discovered(evidence))
    }

    private func candidate(_ target: Int, _ reason: String) -> ReferenceCandidate {
        ReferenceCandidate(
            collection: path.collection, path: path.path, target: targets[target].name,
            existing: path.hitCount(target), sampled: path.count, reason: reason)
    }
}
