import BSON

/// Decides about one path once it is known where its values exist.
struct ReferenceJudge {
    struct Judgement {
        var references: [Reference] = []
        var candidates: [ReferenceCandidate] = []
    }

    let path: PathEvidence
    let targets: [TargetProfile]
    /// Which targets share their keys, and how their names are related.
    let sharedKeys: SharedKeys
    // These are the same for every target.
    private let isNamedAsKey: Bool
    private let isNamedAsMeasure: Bool
    private let isNamedAsSeveral: Bool
    private let hasDigitsOnly: Bool
    private let averageLength: Double
    /// The number of values of each kind, by the kind's number.
    private let countsOfKinds: [Int]
    /// The number of strings that spell ObjectIds, as left by tools that lose types.
    private let spelledIDs: Int

    init(path: PathEvidence, targets: [TargetProfile], sharedKeys: SharedKeys) {
        self.path = path
        self.targets = targets
        self.sharedKeys = sharedKeys
        isNamedAsKey = path.isNamedAsKey
        isNamedAsMeasure = path.isNamedAsMeasure
        isNamedAsSeveral = path.isNamedAsSeveral
        hasDigitsOnly = path.hasDigitsOnly
        averageLength = path.averageLength
        countsOfKinds = path.values.reduce(into: [Int](repeating: 0, count: IDClass.allCases.count)) { counts, value in
            if let kind = IDClass(value) { counts[kind.rawValue] += 1 }
        }
        spelledIDs = path.values.count { $0.spelledObjectID != nil }
    }

    /// Whether values of this kind do not exist in two places by accident.
    private var isTelling: Bool {
        switch path.mainClass {
        case .objectID, .uuid: true
        case .document: path.hasTellingDocuments
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
        /// The number of values that satisfy `isAsked` and exist in a target.
        func gain(_ target: Int, _ isAsked: (Int) -> Bool) -> Int {
            path.hits[target].map { hits in path.values.indices.count { hits[$0] && isAsked($0) } } ?? 0
        }
        while true {
            let gains = rest.map { target in gain(target) { !isExplained[$0] } }
            guard let most = gains.max(), most > 0, chosen.isEmpty || most > 1 && most * 20 >= path.count else { break }
            // Targets with nearly all of the same values are rivals. An original counts already with half of its copy's
            // values, since documents may have been deleted after it was copied.
            let top = gains.firstIndex(of: most).map { rest[$0] } ?? 0
            let rivals = rest.filter { rival in
                let shared = gain(rival) { !isExplained[$0] && path.hits[top]?[$0] == true }
                return shared.isNearlyAll(of: most) || shared * 2 >= most && isCopy(top, of: rival)
            }
            guard let best = choose(among: rivals) else {
                // What was found before remains valid.
                guard chosen.isEmpty else { break }
                for rival in rivals.filter({ 2 * path.hitCount($0) >= path.count }).prefix(Self.toldCandidates) {
                    judgement.candidates.append(candidate(rival, existence(inOthersOf: rivals, than: rival)))
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
        let strangers = strangers(to: chosen)
        if 2 * explained >= path.count, isContradicted(by: strangers) {
            judgement.candidates = chosen.prefix(Self.toldCandidates).map {
                candidate($0, text(ofStrangers: strangers, to: chosen), looksDamaged: isOfIDs)
            }
            return judgement
        }
        guard isEnough(explained) else {
            // No id is anywhere by accident.
            if let target = chosen.first, explained * 10 >= path.count || isOfIDs && explained > 1 {
                let share = 2 * explained == path.count ? "only half" : "less than half"
                judgement.candidates.append(candidate(target, "that is \(share)", looksDamaged: true))
            }
            return judgement
        }
        for target in chosen {
            let note = chosen.count == 1 ? "" : "; others are in \(names(of: chosen, but: target))"
            judgement.references.append(reference(target, path.evidence(path.hitCount(target), note: note)))
        }
        return judgement
    }

    /// The number of values of kinds that no `_id` of the targets has. They cannot be deleted documents' `_id`s: where
    /// they are many, the path contains something else.
    func strangers(to chosen: [Int]) -> Int {
        let kinds = chosen.reduce(into: Set<IDClass>()) { $0.formUnion(targets[$1].classes) }
        let known = kinds.reduce(0) { $0 + countsOfKinds[$1.rawValue] }
        return path.count - known - (kinds.contains(.objectID) && !kinds.contains(.string) ? spelledIDs : 0)
    }

    /// Whether the values are such as exist nowhere by chance.
    private var isOfIDs: Bool { path.mainClass == .objectID || path.mainClass == .uuid }

    /// Whether the values are of one kind.
    private var isOfOneKind: Bool { countsOfKinds[path.mainClass.rawValue] == path.count }

    /// Whether so many values exist that the others may be those of deleted documents: half of them. Of a few values
    /// that may exist by chance, or that are not all ids, it must be more.
    private func isEnough(_ existing: Int) -> Bool {
        let isHalfEnough = path.count >= Self.manyValues || isOfIDs && isOfOneKind
        return isHalfEnough ? 2 * existing >= path.count : 2 * existing > path.count
    }

    /// Whether values of other kinds than the targets' `_id`s show that the path does not refer to these. A few words,
    /// such as "system", stand beside ids in many programs' data.
    private func isContradicted(by strangers: Int) -> Bool {
        path.count < Self.manyValues && !isOfIDs ? strangers > 0 : strangers * 5 > path.count
    }

    private static let manyValues = 20

    private func isCopy(_ target: Int, of original: Int) -> Bool {
        NameRelation.isCopy(targets[target].name, of: targets[original].name)
    }

    /// One of several targets in which the same values exist; nil if nothing distinguishes them.
    private func choose(among rivals: [Int]) -> Int? {
        if rivals.count == 1 { return rivals.first }
        let likeness = rivals.map { path.likeness[$0] ?? .none }
        if let best = likeness.max(), best > .none, likeness.count(where: { $0 == best }) == 1 {
            return likeness.firstIndex(of: best).map { rivals[$0] }
        }
        let originals = rivals.filter { !NameRelation.isCopy(targets[$0].name) }
        if originals.count == 1 { return originals.first }
        // The one that all others are named after. These may have too many orphans to count as its parts.
        let named = rivals.filter { rival in
            rivals.allSatisfy { $0 == rival || sharedKeys.isNamed($0, after: rival) }
        }
        if named.count == 1 { return named.first }
        // The one whose keys all others share.
        let wholes = rivals.filter { rival in rivals.allSatisfy { $0 == rival || sharedKeys.roots[$0] == rival } }
        if wholes.count == 1 { return wholes.first }
        // The values fill the whole range of one, and only a corner of the others.
        let spreads = rivals.map { targets[$0].spread(of: path.existing(in: $0)) }
        let full = spreads.indices.filter { spreads[$0] >= 0.8 }
        if path.count >= 10, full.count == 1, spreads.allSatisfy({ $0 >= 0.8 || $0 <= 0.4 }) { return rivals[full[0]] }
        return nil
    }

    // MARK: - Values that exist in many places

    private func judgeCommon() -> Judgement {
        var accepted: [(target: Int, likeness: NameLikeness)] = []
        var refused: [(target: Int, likeness: NameLikeness, objection: Objection)] = []
        // The number of reported targets that the name says nothing about.
        var nameless = 0
        for target in targets.indices where 2 * path.hitCount(target) >= path.count && path.hitCount(target) > 0 {
            let likeness = path.likeness[target] ?? .none
            lazy var spread = targets[target].spread(of: path.existing(in: target))
            guard let objection = objection(to: target, likeness, spread) else {
                accepted.append((target, likeness))
                continue
            }
            let isTold = likeness > .none || nameless < Self.toldCandidates && spread >= 0.5
            guard isTold else { continue }
            refused.append((target, likeness, objection))
            if likeness == .none { nameless += 1 }
        }
        let best = accepted.map(\.likeness).max() ?? .none
        let rivals = accepted.filter { $0.likeness == best }.map(\.target)
        if rivals.count == 1 {
            return Judgement(references: [reference(rivals[0], path.evidence(path.hitCount(rivals[0])))])
        }
        // If integers count from 1 in many collections, each has all values: the reason is only given for those that
        // are reported.
        refused += rivals.prefix(Self.toldCandidates).map { ($0, best, .others) }
        let told = refused.enumerated()
            .sorted { ($1.element.likeness, $0.offset) < ($0.element.likeness, $1.offset) }
            .prefix(Self.toldCandidates).map(\.element)
        var candidates = told.map { target, likeness, objection in
            candidate(
                target, text(of: objection, to: target, among: rivals),
                looksDamaged: rivals.isEmpty && looksDamaged(target, likeness))
        }
        if candidates.isEmpty, let target = damagedTarget {
            candidates.append(candidate(target, "that is less than half", looksDamaged: true))
        }
        return Judgement(candidates: candidates)
    }

    /// Whether strings were probably a reference before some of their targets were removed: most exist still, or the
    /// name says so.
    private func looksDamaged(_ target: Int, _ likeness: NameLikeness) -> Bool {
        guard isOfKeyTexts, !targets[target].name.hasSameBytes(as: path.collection) else { return false }
        return likeness >= .partial || path.hitCount(target) * 5 >= path.count * 4
    }

    /// The collection that a path of strings is named after, if some but less than half of them exist there.
    private var damagedTarget: Int? {
        guard isOfKeyTexts else { return nil }
        return targets.indices.filter { target in
            (path.likeness[target] ?? .none) >= .partial && path.hitCount(target) > 1
                && 2 * path.hitCount(target) < path.count
                && !targets[target].name.hasSameBytes(as: path.collection)
        }.max { path.hitCount($0) < path.hitCount($1) }
    }

    /// Whether these are strings as keys are, and enough of them.
    private var isOfKeyTexts: Bool {
        path.mainClass == .string && !hasDigitsOnly && path.count >= 10 && averageLength >= 3
    }

    /// The maximum number of candidates reported for a path: more are of no use.
    private static let toldCandidates = 3

    /// The objection to a target; nil if there is none.
    private func objection(
        to target: Int, _ likeness: NameLikeness, _ spread: @autoclosure () -> Double
    ) -> Objection? {
        let profile = targets[target]
        let all = path.hitCount(target) == path.count
        let isSelf = profile.name.hasSameBytes(as: path.collection)
        if isSelf, path.sample.isUnique { return .isSecondKey }
        if isContradicted(by: strangers(to: [target])) { return .isContradicted }
        if !isEnough(path.hitCount(target)) { return .areHalf }
        // The number of policies that a customer has, not a reference to one, though a collection has that name. But
        // it is no accident if hardly any number is an id, or if all values exist and are spread over the whole range.
        if isNamedAsSeveral, path.mainClass == .integer, profile.density > 0.1,
            !(all && path.count >= 30 && spread() >= Self.fullSpread(path.count))
        {
            return .isQuantity
        }
        switch likeness {
        case .same:
            // Page numbers have the name of the pages, too: low integers exist in many places, and not all are ids.
            guard path.mainClass == .integer, profile.density > 0.1, !isNamedAsKey else { return nil }
            return path.hitCount(target).isNearlyAll(of: path.count) ? nil : .isNoKey
        case .partial:
            // A key of several parts may dangle like any other.
            let areThere = all || path.mainClass == .document && path.hitCount(target).isNearlyAll(of: path.count)
            return isNamedAsKey || areThere && spread() >= 0.3 ? nil : .nameSaysLittle
        case .abbreviated: return all && path.count >= 4 && spread() >= 0.5 ? nil : .nameSaysLittle
        case .none: break
        }
        if path.mainClass == .date || path.mainClass == .decimal { return .nameSaysNothing }
        if isNamedAsMeasure, path.mainClass == .integer { return .isQuantity }
        if path.sample.isUnique, path.mainClass == .integer, profile.density > 0.1 { return .isRunningNumber }
        let nearlyAll = path.hitCount(target).isNearlyAll(of: path.count)
        if path.mainClass == .integer || hasDigitsOnly {
            // If hardly any number is an id, matching some is no accident.
            if path.mainClass == .integer, profile.density <= 0.1, path.count >= 6, nearlyAll { return nil }
            if all, path.count >= 30, spread() >= Self.fullSpread(path.count) { return nil }
            return path.count < 30 ? .areFew : .areNotSpread
        }
        if nearlyAll, path.count >= 10, averageLength >= 6 || spread() >= 0.5 { return nil }
        if all, path.count >= 4, averageLength >= 3, spread() >= 0.99 { return nil }
        return .areFew
    }

    /// The share of tenths that this many evenly spread values fall into.
    private static func fullSpread(_ count: Int) -> Double { count >= 100 ? 1 : count >= 40 ? 0.9 : 0.8 }

    /// Candidates for strings of 24 digits that would exist if they were ObjectIds, as left by tools that lose types.
    private func storedAsText() -> Judgement {
        let found = targets.indices.filter {
            2 * (path.textHits[$0] ?? 0) >= path.count && (path.textHits[$0] ?? 0) > 0
        }
        return Judgement(
            candidates: found.prefix(3).map {
                ReferenceCandidate(
                    collection: path.collection, path: path.path, target: targets[$0].name,
                    existing: path.textHits[$0] ?? 0, sampled: path.count,
                    reason: "as ObjectIds, and here they are strings", looksDamaged: true)
            })
    }
}
