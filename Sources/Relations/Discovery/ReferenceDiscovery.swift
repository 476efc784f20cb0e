import BSON

/// Finds references in sampled documents: paths whose values are `_id`s of documents in a collection.
///
/// Values decide. ObjectIds and UUIDs that exist elsewhere do so by no accident, whatever the field is called. Small
/// whole numbers and short texts exist in many places, so more is asked of them: a name that sounds like the
/// collection's, or values spread over the whole range of its ids. What stays unsure is a candidate, not a reference.
///
/// Give it collections, not views: a view has its source's `_id`s.
public struct ReferenceDiscovery: Sendable {
    /// Distinct values kept for each path.
    public let valuesPerPath: Int
    private let maximumValues: Int
    private let findsTypes: Bool
    private var limit: Int
    private var collections: [ExactName: CollectionSample] = [:]
    /// How much was looked at, and how much of it since the values were counted.
    private var looked = 0
    private var lookedSinceCheck = 0

    /// - Parameters:
    ///   - maximumValues: values kept in all, those that are longer than 100 bytes for several; where there are very many paths, each has fewer.
    ///   - findsTypes: whether ``Discovery/types`` are wanted too.
    public init(valuesPerPath: Int = 1000, maximumValues: Int = 200_000, findsTypes: Bool = true) {
        self.valuesPerPath = valuesPerPath
        self.findsTypes = findsTypes
        self.maximumValues = maximumValues
        limit = valuesPerPath
    }

    /// Says that a collection is there, even where it has no documents, and how many it has.
    ///
    /// Where the count is not given, whole numbers as `_id`s are taken to be without gaps, and prove less.
    /// - Parameter isTarget: false for a time series, whose `_id`s nothing refers to.
    public mutating func declare(_ collection: String, count: Int? = nil, isTarget: Bool = true) {
        let name = ExactName(collection)
        collections[name, default: CollectionSample(limit: limit)].total = count ?? collections[name]?.total
        collections[name]?.isTarget = isTarget
    }

    /// Looks at one sampled document.
    /// - Throws: `BSONError` where it is damaged.
    public mutating func add(_ document: RawDocument, in collection: String) throws {
        let paths = try collections[ExactName(collection), default: CollectionSample(limit: limit)].add(
            document, findsTypes: findsTypes)
        // A document of very many fields brings very many values.
        keepWithinLimit(after: 1 + paths / 16)
    }

    /// Takes in what was seen of other collections; of one that is known here already, what was seen there.
    public mutating func absorb(_ other: consuming ReferenceDiscovery) {
        other.shrink()
        for (name, sample) in other.collections {
            var sample = sample
            // As much of each, in whatever order they come.
            if other.limit > limit { sample.shrink(to: limit) }
            collections[name] = sample
        }
        keepWithinLimit(after: other.looked)
    }

    /// Looks at all paths, which is done the more seldom the more was looked at.
    private mutating func keepWithinLimit(after amount: Int) {
        looked += amount
        lookedSinceCheck += amount
        guard lookedSinceCheck >= max(1_000, looked / 8) else { return }
        shrink()
    }

    /// The number of values kept, long ones for several.
    var storedValues: Int { collections.values.reduce(0) { $0 + $1.storedValues } }

    private mutating func shrink() {
        lookedSinceCheck = 0
        while limit > 20, storedValues > maximumValues {
            limit /= 2
            for name in Array(collections.keys) { collections[name]?.shrink(to: limit) }
        }
    }

    /// Decides.
    /// - Parameter existing: an answer to each question: which of its values are `_id`s in its collection. At most three
    ///   questions a collection; whole numbers are asked as Int64 and may be answered in any type of number. Questions
    ///   that come together may be asked at once.
    /// - Throws: what `existing` throws.
    public consuming func resolve(existing: ([ExistenceQuestion]) throws -> [Set<Value>]) throws -> Discovery {
        shrink()
        let samples = collections.sorted { $0.key < $1.key }.map { (name: $0.key.text, sample: $0.value) }
        let targets = samples.map { TargetProfile(name: $0.name, sample: $0.sample) }
        let names = NameIndex(samples.map(\.name))
        let keys = targets.reduce(into: Set<IDClass>()) { $0.formUnion($1.classes) }
        var paths = samples.flatMap { PathEvidence.all(in: $0.sample, of: $0.name, names: names, keys: keys) }
        try ExistenceQuestions(targets: targets, paths: paths).ask(&paths, existing)

        let sharedKeys = SharedKeys(paths: paths, targets: targets)
        var references = sharedKeys.references
        var candidates = sharedKeys.candidates
        for path in paths where path.path != .id {
            let judgement = ReferenceJudge(path: path, targets: targets, sharedKeys: sharedKeys).judge()
            references += judgement.references
            candidates += judgement.candidates
        }
        let types = samples.flatMap { name, sample in
            sample.types.observations.compactMap { seen in
                seen.type.fieldType.map {
                    TypedPath(
                        collection: name, path: seen.path, type: $0, values: seen.values,
                        looksOtherwise: seen.looksOtherwise)
                }
            }
        }
        return Discovery(references: references.sorted(), candidates: candidates, types: types)
    }
}
