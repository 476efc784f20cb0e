import BSON

/// Searches for the ids of one path among the `_id`s of the file and of the database.
struct IDSearch {
    struct Findings {
        let isMost: Bool
        /// "38,000 of 40,000 different values are _ids of customers".
        let evidence: String
        /// "3 of 1,000 different values are _ids", for when that is not enough.
        let shortfall: String
        let references: [Reference]
        let dangling: LegacyResolution.Dangling?
    }

    private struct Target {
        let name: String
        /// Whether the collection has a name in the file: without one it cannot be a reference's target.
        var isNamed = true
        let likeness: NameLikeness
        var matches: [Int]
    }

    /// The number of ids asked for first: if none of them exists, most of the others will not exist either.
    private static let probe = 200
    private static let examples = 5
    /// No values are left out of a path with at most this many: a sample of a few decides nothing.
    private static let fewValues = 1000

    /// What follows if most of the values are `_id`s.
    enum Purpose {
        /// Nothing has decided their type: they become ObjectIds.
        case type
        /// They are ObjectIds anyway: the path becomes a reference.
        case reference
        /// The live documents have strings there, so it is doubtful whether the values should stay strings.
        case doubt
    }

    let path: FieldPath
    let collection: String
    let purpose: Purpose
    /// The distinct ids, or a sample of them.
    let values: ContiguousArray<ObjectID>
    private let level: Int
    /// The number of distinct values, including those that are not ids, in a sample of that level.
    private let all: Int
    /// Whether the number is exact, not estimated.
    private let isExact: Bool
    private var isFound: [Bool]
    private var targets: [Target] = []

    /// Searches the file.
    /// - Parameter idsInFile: as in the `resolve` of ``LegacyInference``.
    init(
        path: FieldPath, collection: String, survey: PathSurvey, file: [(name: String, ids: IDSample)],
        purpose: Purpose, idsInFile: ((_ collection: String, _ ids: [ObjectID]) -> [Int])?
    ) {
        self.path = path
        self.collection = collection
        self.purpose = purpose
        // One level for all, so that a missing id is really missing, not just left out of a sample.
        let highest = file.reduce(survey.ids.level) { max($0, $1.ids.level) }
        var level = idsInFile == nil ? highest : survey.ids.level
        while level < highest, survey.ids.values(at: level).count > Self.fewValues { level += 1 }
        self.level = level
        values = survey.ids.values(at: level)
        all = values.count + survey.others.count >> level
        isExact = level == 0 && survey.others.isExact
        isFound = [Bool](repeating: false, count: values.count)
        for (name, ids) in file {
            var matches: [Int] = []
            if ids.level > level, let idsInFile {
                matches = idsInFile(name, Array(values))
            } else {
                ids.forEachMatch(of: values) { matches.append($0) }
            }
            for index in matches { isFound[index] = true }
            if !matches.isEmpty { targets.append(Target(name: name, likeness: likeness(to: name), matches: matches)) }
        }
    }

    /// Whether to ask the database for ids that the file does not have.
    var asksDatabase: Bool { purpose != .doubt }

    func likeness(to name: String) -> NameLikeness { NameLikeness(of: path, in: collection, to: name) }

    /// The indexes of the values that were not found anywhere yet.
    var missing: [Int] { values.indices.filter { !isFound[$0] } }

    /// Some of the missing ones, evenly spread.
    var probe: [Int] {
        let open = missing
        return stride(from: 0, to: open.count, by: max(1, open.count / Self.probe)).map { open[$0] }
    }

    /// Whether it is worth asking for all missing ids, given how many of the probe exist. It is not if the expected
    /// total is far from a majority.
    func isHopeful(found: Int, ofProbe count: Int) -> Bool {
        4 * (isFound.count { $0 } + missing.count * found / max(1, count)) > all
    }

    /// Records which values exist in a collection of the database.
    /// - Parameter isNamed: whether the collection has a name in the file.
    mutating func note(_ matches: [Int], in name: String, isNamed: Bool) {
        for index in matches { isFound[index] = true }
        if let known = targets.firstIndex(where: { $0.isNamed == isNamed && $0.name.hasSameBytes(as: name) }) {
            targets[known].matches += matches
        } else if !matches.isEmpty {
            targets.append(Target(name: name, isNamed: isNamed, likeness: likeness(to: name), matches: matches))
        }
    }

    var findings: Findings {
        let found = isFound.count { $0 }
        let missing = missing
        let chosen = cover(found: found)
        let names = chosen.map(\.name)
        let share = shareText(found) + " are _ids"
        return Findings(
            isMost: 2 * found > all, evidence: "\(share) of \(names.listed("and"))", shortfall: share,
            references: chosen.filter(\.isNamed).map {
                Reference(
                    collection: collection, path: path, target: $0.name,
                    origin: .discovered(shareText($0.matches.count) + " exist, 24 hex digits"))
            },
            dangling: missing.isEmpty
                ? nil
                : LegacyResolution.Dangling(
                    collection: collection, path: path, count: missing.count << level, isExact: level == 0,
                    examples: missing.prefix(Self.examples).map { values[$0] }))
    }

    /// "38,000 of about 40,000 different values".
    private func shareText(_ part: Int) -> String {
        let part = (level == 0 ? "" : "about ") + (part << level).grouped
        return "\(part) of \(isExact ? "" : "about ")\((all << level).grouped) different values"
    }

    /// Says how to make ObjectIds of strings that probably were ObjectIds once.
    func textOfDoubt(_ findings: Findings) -> String {
        let targets = findings.references.map(\.target.yamlFlowScalar)
        let target = targets.count == 1 ? targets[0] : "{to: [\(targets.joined(separator: ", "))]}"
        let place = "\(path.description.yamlFlowScalar): \(target)"
        return
            "\(findings.evidence): if they were ObjectIds once, collections: {\(collection.yamlFlowScalar): {references: {\(place)}}} in the configuration makes them ObjectIds again"
    }

    /// A small set of targets that explains what was found: the one with the most ids, then those that add most to it.
    private func cover(found: Int) -> [Target] {
        var chosen: [Target] = []
        var rest = targets
        var explained: Set<Int> = []
        while explained.count < found {
            let gains = rest.map { target in target.matches.count { !explained.contains($0) } }
            let best = rest.indices.max { left, right in
                (gains[left], rest[left].likeness, ExactName(rest[right].name))
                    < (gains[right], rest[right].likeness, ExactName(rest[left].name))
            }
            // A few ids (below 5 %) that another collection has, too, are chance, not a second target.
            guard let best, gains[best] * 20 >= found || chosen.isEmpty, gains[best] > 0 else { break }
            explained.formUnion(rest[best].matches)
            chosen.append(rest.remove(at: best))
        }
        return chosen
    }
}
