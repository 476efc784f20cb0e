import BSON

/// One path whose values may be keys, its sampled values, and where they exist.
struct PathEvidence: Sendable {
    let collection: String
    let path: FieldPath
    let mainClass: IDClass
    let values: [Value]
    let sample: PathSample
    private let fields: LabelledFields
    /// The path's number among its collection's.
    private let number: Int
    /// The targets that the name sounds like, by their places.
    let likeness: [Int: NameLikeness]
    /// Which of the values are `_id`s of the target, by the target's place.
    var hits = HitsByTarget()
    /// The same for texts that would be ObjectIds.
    var textHits: [Int: Int] = [:]

    var count: Int { values.count }

    /// For each value what the fields beside it held, by the field's name.
    var labels: [[String: NeighbouringField]] { sample.sample.entries.map { fields.beside($0, at: number) } }

    /// How often each value came.
    var times: [Int] { sample.sample.entries.map(\.times) }

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

    /// Whether a single value stands under the name of several: `policies`, and neither `policies[]` nor `policiesId`.
    var isNamedAsSeveral: Bool {
        guard case .field(let name)? = path.steps.last, let last = NameWords(name).words.last else { return false }
        return NameWords.isPlural(last) && !isNamedAsKey
    }

    /// Texts that hardly come up twice by accident: UUIDs, ObjectIds in hexadecimal, addresses, long tokens.
    var hasTellingTexts: Bool { 2 * values.count { $0.isTellingText } > values.count }

    /// Documents with a part that is no number and no date. A year and a month come up everywhere.
    var hasTellingDocuments: Bool { 2 * values.count { $0.hasTellingPart } > values.count }

    var hasDigitsOnly: Bool {
        values.allSatisfy { $0.string?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? false }
    }

    var averageLength: Double {
        Double(values.reduce(0) { $0 + ($1.string?.utf8.count ?? 0) }) / Double(max(1, values.count))
    }

    /// "600 of 1,000 sampled values exist, ObjectId", and how many others there are that were not looked for.
    /// - Parameter note: what else is to be said of those that were.
    func evidence(_ existing: Int, of sampled: Int? = nil, note: String = "") -> String {
        let asked = (sampled ?? count).grouped
        let found = "\(existing.grouped) of \(asked) sampled values exist, \(mainClass.name)\(note)"
        let others = sample.valuesWithoutClass
        guard others > 0 else { return found }
        let verdict = others == 1 ? "is no id" : "are no ids"
        return "\(found); \(others.grouped) of \(sample.values.grouped) values \(verdict)"
    }

    /// For each target the place of its own `_id` among the paths; nil where it has none.
    static func keys(of targets: [TargetProfile], in paths: [PathEvidence]) -> [Int?] {
        let places = Dictionary(
            paths.indices.filter { paths[$0].path == .id }.map { (ExactName(paths[$0].collection), $0) }
        ) { first, _ in first }
        return targets.map { places[ExactName($0.name)] }
    }

    /// The paths of a collection whose values are mostly such that they can be keys.
    /// - Parameter keys: the kinds of the targets' `_id`s. Where nothing else could refer to one, nothing is looked at.
    static func all(
        in sample: CollectionSample, of collection: String, names: NameIndex, keys: Set<IDClass>
    ) -> [PathEvidence] {
        let fields = LabelledFields(sample)
        return sample.paths.indices.compactMap { number -> PathEvidence? in
            let values = sample.paths[number]
            guard let path = sample.walker.path(number), let mainClass = values.mainClass else { return nil }
            let entries = values.sample.entries
            guard !entries.isEmpty, sample.isTarget || path != .id else { return nil }
            guard path == .id || values.canBeFound(among: keys) else { return nil }
            let likeness = names.likeness(of: path, in: collection)
            // A value that is its own document's key says nothing about another document, unless the field is called after
            // that one's collection.
            if path != .id, values.ownIDs * 20 >= values.values * 19,
                !names.isNamedAfterAnother(likeness, than: collection)
            {
                return nil
            }
            return PathEvidence(
                collection: collection, path: path, mainClass: mainClass, values: entries.map(\.value), sample: values,
                fields: fields, number: number, likeness: likeness)
        }
        .sorted { $0.path < $1.path }
    }
}

extension Value {
    fileprivate var isTellingText: Bool {
        guard let text = string else { return false }
        return text.utf8.count >= 16 && text.utf8.contains { (0x30...0x39).contains($0) }
            || text.utf8.contains(UInt8(ascii: "@"))
    }

    /// Whether it is a document in which something stands that is no number and no date, at any depth.
    fileprivate var hasTellingPart: Bool {
        guard case .document(let document) = self else { return false }
        return document.elements.contains { _, part in
            switch part {
            case .int32, .int64, .double, .decimal128, .date, .bool, .null: false
            case .document: part.hasTellingPart
            default: true
            }
        }
    }
}

/// What a field held beside one value.
struct NeighbouringField: Sendable {
    /// Several where the value came with different ones.
    let values: [Value]
    /// How often it was there when the value came.
    let times: Int
}

/// The fields of a collection that hold few different values, by the numbers of their paths.
private struct LabelledFields: Sendable {
    private let fields: [(name: String, values: [Value])?]

    init(_ sample: CollectionSample) {
        fields = sample.paths.indices.map { number in
            let path = sample.paths[number]
            guard !path.hasTooManyLabels, !path.labels.isEmpty, let name = sample.walker.path(number)?.lastField else {
                return nil
            }
            return (name, path.labels)
        }
    }

    func beside(_ entry: ValueSample.Entry, at number: Int) -> [String: NeighbouringField] {
        var result: [String: NeighbouringField] = [:]
        for label in entry.labels where label.path != number {
            guard let field = fields[Int(label.path)] else { continue }
            result[field.name] = NeighbouringField(
                values: label.values.map { field.values[$0] }, times: entry.times(with: label))
        }
        return result
    }
}
