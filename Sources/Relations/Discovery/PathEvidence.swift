import BSON

/// A path whose values may be keys, with its sampled values and where they exist.
struct PathEvidence: Sendable {
    let collection: String
    let path: FieldPath
    let mainClass: IDClass
    let values: [Value]
    let sample: PathSample
    private let fields: LabelledFields
    /// The path's number in its collection.
    private let number: Int
    /// The targets that the name sounds like, by their indexes.
    let likeness: [Int: NameLikeness]
    /// Which of the values are `_id`s of a target, by the target's index.
    var hits = HitsByTarget()
    /// The number of strings that would be `_id`s of a target if they were ObjectIds, by the target's index.
    var textHits: [Int: Int] = [:]

    var count: Int { values.count }

    /// For each value, what the fields beside it contained, by the field's name.
    var labels: [[String: NeighbouringField]] { sample.sample.entries.map { fields.beside($0, at: number) } }

    /// The number of occurrences of each value.
    var times: [Int] { sample.sample.entries.map(\.times) }

    func hitCount(_ target: Int) -> Int { hits[target]?.count ?? 0 }

    func existing(in target: Int) -> [Value] {
        guard let hits = hits[target] else { return [] }
        return values.indices.compactMap { hits[$0] ? values[$0] : nil }
    }

    /// Whether the last name contains a word for "key": `customerId`, `customer_no`.
    var isNamedAsKey: Bool {
        let words = NameWords(path.lastField)
        return words.withoutKeyWords != words.words
    }

    var isNamedAsMeasure: Bool {
        NameWords(path.lastField).words.last.map(NameWords.measures.contains) ?? false
    }

    /// Whether a path that does not end in an array's elements has a plural name: `policies`, but not `policies[]` or
    /// `policiesId`.
    var isNamedAsSeveral: Bool {
        guard case .field(let name)? = path.steps.last, let last = NameWords(name).words.last else { return false }
        return NameWords.isPlural(last) && !isNamedAsKey
    }

    /// Whether most values are strings that hardly occur twice by accident: UUIDs, ObjectIds in hexadecimal, addresses,
    /// long tokens.
    var hasTellingTexts: Bool { 2 * values.count { $0.isTellingText } > values.count }

    /// Whether most values are documents with a part other than numbers and dates: a year and a month occur everywhere.
    var hasTellingDocuments: Bool { 2 * values.count { $0.hasTellingPart } > values.count }

    var hasDigitsOnly: Bool {
        values.allSatisfy { $0.string?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? false }
    }

    var averageLength: Double {
        Double(values.reduce(0) { $0 + ($1.string?.utf8.count ?? 0) }) / Double(max(1, values.count))
    }

    /// "600 of 1,000 sampled values exist, ObjectId", with the number of other values that were not looked up.
    /// - Parameter note: what else to say of those that exist.
    func evidence(_ existing: Int, of sampled: Int? = nil, note: String = "") -> String {
        let asked = (sampled ?? count).grouped
        let found = "\(existing.grouped) of \(asked) sampled values exist, \(mainClass.name)\(note)"
        let others = sample.valuesWithoutClass
        guard others > 0 else { return found }
        let verdict = others == 1 ? "is no id" : "are no ids"
        return "\(found); \(others.grouped) of \(sample.values.grouped) values \(verdict)"
    }

    /// For each target, the index of the path that is its own `_id`; nil if there is none.
    static func keys(of targets: [TargetProfile], in paths: [PathEvidence]) -> [Int?] {
        let places = Dictionary(
            paths.indices.filter { paths[$0].path == .id }.map { (ExactName(paths[$0].collection), $0) }
        ) { first, _ in first }
        return targets.map { places[ExactName($0.name)] }
    }

    /// The paths of a collection at which most values can be keys.
    /// - Parameter keys: the kinds of the targets' `_id`s. Paths without values that could match one of them are left
    ///   out.
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
            // A value that equals its own document's `_id` says nothing about another document, unless the field is
            // named after that document's collection.
            if path != .id, values.ownIDs.isNearlyAll(of: values.values),
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

    /// Whether it is a document that contains, at any depth, something other than numbers, dates, bools and nulls.
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

/// What a field contained beside one value.
struct NeighbouringField: Sendable {
    /// Several if the value occurred with different ones.
    let values: [Value]
    /// The number of the value's occurrences that had the field.
    let times: Int
}

/// The fields of a collection that contain few distinct values, by the numbers of their paths.
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
