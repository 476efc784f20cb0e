import BSON

/// One path whose values may be keys, its sampled values, and where they exist.
struct PathEvidence: Sendable {
    let collection: String
    let path: FieldPath
    let mainClass: IDClass
    let values: [Value]
    let sample: PathSample
    /// For each value what the fields beside it held, by the field's name.
    let labels: [[String: Value]]
    /// The targets that the name sounds like, by their places.
    let likeness: [Int: NameLikeness]
    /// Which of the values are `_id`s of the target, by the target's place.
    var hits = HitsByTarget()
    /// The same for texts that would be ObjectIds.
    var textHits: [Int: Int] = [:]

    var count: Int { values.count }

    func hitCount(_ target: Int) -> Int { hits[target]?.count ?? 0 }

    func existing(in target: Int) -> [Value] {
        guard let hits = hits[target] else { return [] }
        return values.indices.compactMap { hits[$0] ? values[$0] : nil }
    }

    /// Whether the last name has a word in it that says "key": `customerId`, `customer_no`.
    var isNamedAsKey: Bool {
        let words = NameWords(path.lastField)
        return words.withoutKeyWords != words.words
    }

    var isNamedAsMeasure: Bool {
        NameWords(path.lastField).words.last.map(NameWords.measures.contains) ?? false
    }

    /// Texts that hardly come up twice by accident: UUIDs, ObjectIds in hexadecimal, addresses, long tokens.
    var hasTellingTexts: Bool {
        let telling = values.count {
            guard let text = $0.string else { return false }
            return text.utf8.count >= 16 && text.utf8.contains { (0x30...0x39).contains($0) } || text.contains("@")
        }
        return 2 * telling > values.count
    }

    var hasDigitsOnly: Bool {
        values.allSatisfy { $0.string?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? false }
    }

    var averageLength: Double {
        Double(values.reduce(0) { $0 + ($1.string?.utf8.count ?? 0) }) / Double(max(1, values.count))
    }

    /// "600 of 1,000 sampled values exist, ObjectId".
    func evidence(_ existing: Int, of sampled: Int? = nil) -> String {
        "\(existing.grouped) of \((sampled ?? count).grouped) sampled values exist, \(mainClass.name)"
    }

    /// For each target the place of its own `_id` among the paths; nil where it has none.
    static func keys(of targets: [TargetProfile], in paths: [PathEvidence]) -> [Int?] {
        let places = Dictionary(
            paths.indices.filter { paths[$0].path == .id }.map { (ExactName(paths[$0].collection), $0) }
        ) { first, _ in first }
        return targets.map { places[ExactName($0.name)] }
    }

    /// The paths of a collection whose values are mostly such that they can be keys.
    static func all(
        in sample: CollectionSample, of collection: String, names: NameIndex
    ) -> [PathEvidence] {
        let fields = sample.paths.indices.map { sample.walker.path($0)?.lastField }
        return sample.paths.indices.compactMap { number -> PathEvidence? in
            let values = sample.paths[number]
            guard let path = sample.walker.path(number), let mainClass = values.mainClass else { return nil }
            let entries = values.sample.entries
            guard !entries.isEmpty, sample.isTarget || path != .id else { return nil }
            // A value that is its own document's key says nothing about another document.
            if path != .id, values.ownIDs * 20 >= values.values * 19 { return nil }
            let labels = entries.map { entry in
                var named: [String: Value] = [:]
                for label in entry.labels {
                    let beside = sample.paths[label.path]
                    guard !beside.hasTooManyLabels, let name = fields[label.path] else {
                        continue
                    }
                    named[name] = beside.labels[label.value]
                }
                return named
            }
            return PathEvidence(
                collection: collection, path: path, mainClass: mainClass, values: entries.map(\.value), sample: values,
                labels: labels, likeness: names.likeness(of: path, in: collection))
        }
        .sorted { $0.path < $1.path }
    }
}
