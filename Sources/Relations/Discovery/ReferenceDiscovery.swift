import BSON

/// Finds references in sampled documents: paths whose values are `_id`s of documents in a collection.
///
/// The values decide. ObjectIds and UUIDs do not exist elsewhere by accident, whatever the field's name. Small integers
/// and short strings exist in many places, so more is required of them: a name that sounds like the collection's, or
/// values spread over the whole range of its ids. What remains uncertain is a candidate, not a reference.
///
/// Add collections, not views: a view has its source's `_id`s.
public struct ReferenceDiscovery: Sendable {
    /// The number of distinct values kept for each path.
    public let valuesPerPath: Int
    private let maximumValues: Int
    private let findsTypes: Bool
    private var limit: Int
    private var collections: [ExactName: CollectionSample] = [:]
    /// The amount examined, in all and since the values were last counted.
    private var looked = 0
    private var lookedSinceCheck = 0

    /// - Parameters:
    ///   - maximumValues: the number of values kept in all. Those longer than 100 bytes count as several. If there are
    ///     very many paths, fewer are kept for each.
    ///   - findsTypes: whether to find ``Discovery/types``, too.
    public init(valuesPerPath: Int = 1000, maximumValues: Int = 200_000, findsTypes: Bool = true) {
        self.valuesPerPath = valuesPerPath
        self.findsTypes = findsTypes
        self.maximumValues = maximumValues
        limit = valuesPerPath
    }

    /// Declares that a collection exists, even if it has no documents, and how many it has.
    ///
    /// Without a count, integer `_id`s are assumed to have no gaps, and prove less.
    /// - Parameter isTarget: false for a time series, whose `_id`s nothing refers to.
    public mutating func declare(_ collection: String, count: Int? = nil, isTarget: Bool = true) {
        let name = ExactName(collection)
        collections[name, default: CollectionSample(limit: limit)].total = count ?? collections[name]?.total
        collections[name]?.isTarget = isTarget
    }

    /// Adds one sampled document.
    /// - Throws: `BSONError` where it is damaged.
    public mutating func add(_ document: RawDocument, in collection: String) throws {
        let paths = try collections[ExactName(collection), default: CollectionSample(limit: limit)].add(
            document, findsTypes: findsTypes)
        // A document with very many fields brings very many values.
        keepWithinLimit(after: 1 + paths / 16)
    }

    /// Takes over what was seen of other collections. For a collection known to both, the other's sample replaces this
    /// one's.
    public mutating func absorb(_ other: consuming ReferenceDiscovery) {
        other.shrink()
        for (name, sample) in other.collections {
            var sample = sample
            // Every collection gets the same limit, in whatever order they come.
            if other.limit > limit { sample.shrink(to: limit) }
            collections[name] = sample
        }
        keepWithinLimit(after: other.looked)
    }

    /// Checks the number of values kept. The more was examined, the less often this is done.
    private mutating func keepWithinLimit(after amount: Int) {
        looked += amount
        lookedSinceCheck += amount
        guard lookedSinceCheck >= max(1_000, looked / 8) else { return }
        shrink()
    }

    /// The number of values kept; long ones count as several.
    var storedValues: Int { collections.values.reduce(0) { $0 + $1.storedValues } }

    /// Fewer say nothing. Only with tens of thousands of paths are so few kept.
    private static let fewestValues = 4

    private mutating func shrink() {
        lookedSinceCheck = 0
        while limit > Self.fewestValues, storedValues > maximumValues {
            limit = max(Self.fewestValues, limit / 2)
            for name in Array(collections.keys) { collections[name]?.shrink(to: limit) }
        }
    }

    /// Decides which paths are references.
    /// - Parameter existing: answers each question with those of its values that are `_id`s in its collection. There
    ///   are at most three questions per collection. Integers are asked for as Int64 and may be answered in any numeric
    ///   type. Questions passed together may be asked concurrently.
    /// - Throws: what `existing` throws.
    public consuming func resolve(existing: ([ExistenceQuery]) throws -> [Set<Value>]) throws -> Discovery {
        shrink()
        let samples = collections.sorted { $0.key < $1.key }.map { (name: $0.key.text, sample: $0.value) }
        let targets = samples.map { TargetProfile(name: $0.name, sample: $0.sample) }
        let names = NameIndex(samples.map(\.name))
        let keys = targets.reduce(into: Set<IDClass>()) { $0.formUnion($1.classes) }
        var paths = samples.flatMap { PathEvidence.all(in: $0.sample, of: $0.name, names: names, keys: keys) }
        try ExistenceQueries(targets: targets, paths: paths).ask(&paths, existing)

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
