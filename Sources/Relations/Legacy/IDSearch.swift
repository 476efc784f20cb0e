import BSON

/// Looks for the ids of one path among the `_id`s of the file and of the database.
struct IDSearch {
    struct Findings {
        let isMost: Bool
        /// "38,000 of 40,000 different values are _ids of customers".
        let evidence: String
        /// "3 of 1,000 different values are _ids", for where that is not enough.
        let shortfall: String
        let references: [Reference]
        let dangling: LegacyResolution.Dangling?
    }

    private struct Target {
        let name: String
        let likeness: NameLikeness
        var matches: [Int]
    }

    private static let batch = 10_000
    /// Ids asked for first; where none of them exists, neither will most of the others.
    private static let probe = 200
    private static let examples = 5

    let path: FieldPath
    let collection: String
    let survey: PathSurvey
    let file: [(name: String, ids: IDSample)]

    /// - Parameter databaseCollections: where to look for what the file does not have.
    func run(
        databaseCollections: [String], _ existsInDatabase: (String, [ObjectID]) throws -> Set<ObjectID>
    ) throws -> Findings {
        // One level for all, so that an id that is missing is missing and not only left out of a sample.
        let level = file.reduce(survey.ids.level) { max($0, $1.ids.level) }
        let values = survey.ids.values(at: level)
        var isFound = [Bool](repeating: false, count: values.count)
        var targets: [Target] = []
        for (name, ids) in file {
            var target = Target(
                name: name, likeness: NameLikeness(of: path, in: collection, to: name), matches: [])
            ids.forEachMatch(of: values) {
                target.matches.append($0)
                isFound[$0] = true
            }
            if !target.matches.isEmpty { targets.append(target) }
        }
        let all = values.count + survey.otherStrings.count >> level
        try search(databaseCollections, values, all: all, &isFound, &targets, existsInDatabase)

        let found = isFound.count { $0 }
        let missing = values.indices.filter { !isFound[$0] }
        let chosen = cover(targets, found: found)
        let names = chosen.map(\.name)
        let share = "\((found << level).grouped) of \((all << level).grouped) different values are _ids"
        return Findings(
            isMost: 2 * found > all, evidence: "\(share) of \(names.listed("and"))", shortfall: share,
            references: chosen.map {
                Reference(
                    collection: collection, path: path, target: $0.name,
                    origin: .discovered(
                        "\(($0.matches.count << level).grouped) of \((all << level).grouped) different values exist, "
                            + "24 hex digits"))
            },
            dangling: missing.isEmpty
                ? nil
                : LegacyResolution.Dangling(
                    collection: collection, path: path, count: missing.count << level, isExact: level == 0,
                    examples: missing.prefix(Self.examples).map { values[$0] }))
    }

    private func search(
        _ names: [String], _ values: ContiguousArray<ObjectID>, all: Int, _ isFound: inout [Bool],
        _ targets: inout [Target], _ existsInDatabase: (String, [ObjectID]) throws -> Set<ObjectID>
    ) throws {
        func missing() -> [Int] { values.indices.filter { !isFound[$0] } }
        guard !names.isEmpty, !missing().isEmpty else { return }
        let named = names.map { (name: $0, likeness: NameLikeness(of: path, in: collection, to: $0)) }
            .sorted { ($1.likeness, ExactName($0.name)) < ($0.likeness, ExactName($1.name)) }
        let open = missing()
        let probe = stride(from: 0, to: open.count, by: max(1, open.count / Self.probe)).map { open[$0] }
        var found: Set<Int> = []
        var promising: [(name: String, likeness: NameLikeness)] = []
        for candidate in named {
            let rest = probe.filter { !found.contains($0) }
            if rest.isEmpty { break }
            let existing = try existsInDatabase(candidate.name, rest.map { values[$0] })
            let hits = rest.filter { existing.contains(values[$0]) }
            if !hits.isEmpty { promising.append(candidate) }
            found.formUnion(hits)
        }
        // Far from a majority even so: not worth asking for all.
        let hopeful = isFound.count { $0 } + open.count * found.count / max(1, probe.count)
        guard 4 * hopeful > all else { return }
        for (name, likeness) in promising {
            var matches: [Int] = []
            let rest = missing()
            for start in stride(from: 0, to: rest.count, by: Self.batch) {
                let asked = rest[start..<min(start + Self.batch, rest.count)]
                let existing = try existsInDatabase(name, asked.map { values[$0] })
                for index in asked where existing.contains(values[index]) {
                    matches.append(index)
                    isFound[index] = true
                }
            }
            if let known = targets.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
                targets[known].matches += matches
            } else if !matches.isEmpty {
                targets.append(Target(name: name, likeness: likeness, matches: matches))
            }
        }
    }

    /// The fewest targets that explain what was found: the one with the most, then what the others add to it.
    private func cover(_ targets: [Target], found: Int) -> [Target] {
        var chosen: [Target] = []
        var rest = targets
        var explained: Set<Int> = []
        while explained.count < found {
            let gains = rest.map { target in target.matches.count { !explained.contains($0) } }
            let best = rest.indices.max { left, right in
                (gains[left], rest[left].likeness, ExactName(rest[right].name))
                    < (gains[right], rest[right].likeness, ExactName(rest[left].name))
            }
            // A handful that another collection has too is chance, not a second target.
            guard let best, gains[best] * 20 >= found || chosen.isEmpty, gains[best] > 0 else { break }
            explained.formUnion(rest[best].matches)
            chosen.append(rest.remove(at: best))
        }
        return chosen
    }
}
