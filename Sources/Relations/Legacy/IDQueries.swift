import BSON

/// Asks the database for the ids of several paths.
///
/// Each path asks one collection after the other, beginning with those that its name sounds like, and stops when no id
/// is missing. What several paths ask the same collection at the same time goes into one query: documents with data as
/// names have thousands of paths with a few ids each.
struct IDQueries {
    /// The maximum number of ids in one query.
    private static let batch = 10_000

    /// The database's collections.
    let names: [String]
    /// Returns a collection's name in the file; nil where another collection has that name there.
    let shownName: (String) -> String?
    let existsInDatabase: (String, [ObjectID]) throws -> Set<ObjectID>

    /// What one path asks, and what was found of it.
    private struct Turn {
        /// Indexes into ``names`` of collections that the path sounds like, in the order of asking; `places` has them
        /// sorted.
        let liked: [Int]
        private let places: [Int]
        let probe: [Int]
        var found: Set<Int> = []
        /// The collections that have some of the probe.
        var promising: [Int] = []

        init(liked: [Int], probe: [Int]) {
            self.liked = liked
            places = liked.sorted()
            self.probe = probe
        }

        /// The collection to ask in a round: first the liked ones, then all others.
        func place(_ round: Int) -> Int {
            guard round >= liked.count else { return liked[round] }
            var place = round - liked.count
            for liked in places where liked <= place { place += 1 }
            return place
        }
    }

    /// - Throws: what `existsInDatabase` throws.
    func ask(_ searches: inout [IDSearch]) throws {
        guard !names.isEmpty else { return }
        var turns: [Int: Turn] = [:]
        let index = NameIndex(names.map { shownName($0) ?? $0 })
        for (number, search) in searches.enumerated() where search.asksDatabase {
            let probe = search.probe
            if !probe.isEmpty { turns[number] = Turn(liked: liked(by: search, index), probe: probe) }
        }
        for round in names.indices {
            let questions = questions(turns) { _, turn in
                let rest = turn.probe.filter { !turn.found.contains($0) }
                return rest.isEmpty ? nil : (turn.place(round), rest)
            }
            if questions.isEmpty { break }
            for (name, parts) in questions {
                for (number, hits) in try answers(name, parts, searches) where !hits.isEmpty {
                    turns[number]?.promising.append(name)
                    turns[number]?.found.formUnion(hits)
                }
            }
        }
        turns = turns.filter { searches[$0].isHopeful(found: $1.found.count, ofProbe: $1.probe.count) }
        for round in 0..<(turns.values.map(\.promising.count).max() ?? 0) {
            let questions = questions(turns) { number, turn in
                guard turn.promising.indices.contains(round) else { return nil }
                return (turn.promising[round], searches[number].missing)
            }
            for (name, parts) in questions {
                for (number, hits) in try answers(name, parts, searches) {
                    let shown = shownName(names[name])
                    searches[number].note(hits, in: shown ?? names[name], isNamed: shown != nil)
                }
            }
        }
    }

    private func liked(by search: IDSearch, _ index: NameIndex) -> [Int] {
        index.likeness(of: search.path, in: search.collection)
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }

    /// What to ask each collection, path by path.
    private func questions(
        _ turns: [Int: Turn], _ wanted: (_ number: Int, Turn) -> (name: Int, ids: [Int])?
    ) -> [(name: Int, parts: [(number: Int, ids: [Int])])] {
        var questions: [Int: [(number: Int, ids: [Int])]] = [:]
        for (number, turn) in turns.sorted(by: { $0.key < $1.key }) {
            if let (name, ids) = wanted(number, turn) { questions[name, default: []].append((number, ids)) }
        }
        return questions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// For each path, the ids that exist in the collection.
    private func answers(
        _ name: Int, _ parts: [(number: Int, ids: [Int])], _ searches: [IDSearch]
    ) throws -> [(number: Int, hits: [Int])] {
        var answers = parts.map { (number: $0.number, hits: [Int]()) }
        var asked: [(part: Int, place: Int, id: ObjectID)] = []
        func send() throws {
            if asked.isEmpty { return }
            let existing = try existsInDatabase(names[name], asked.map(\.id))
            for (part, place, id) in asked where existing.contains(id) { answers[part].hits.append(place) }
            asked.removeAll(keepingCapacity: true)
        }
        for (part, (number, ids)) in parts.enumerated() {
            for place in ids {
                asked.append((part, place, searches[number].values[place]))
                if asked.count == Self.batch { try send() }
            }
        }
        try send()
        return answers
    }
}
