import BSON

/// What the sample shows of a collection's `_id`s.
struct TargetProfile: Sendable {
    let name: String
    /// The kinds of the `_id`s.
    let classes: Set<IDClass>
    /// The number of documents, as far as it is known.
    let count: Int
    private let isCounted: Bool
    /// The sampled `_id`s of each kind, sorted.
    private let sorted: [IDClass: [Value]]
    /// The integers among them.
    private let numbers: [Int64]
    private let integers: ClosedRange<Int64>?

    init(name: String, sample: CollectionSample) {
        self.name = name
        count = max(sample.total ?? 0, sample.documents)
        isCounted = sample.total != nil
        let ids =
            !sample.isTarget
            ? nil : sample.paths.indices.first { sample.walker.path($0) == .id }.map { sample.paths[$0] }
        let values = ids?.sample.entries.map(\.value) ?? []
        sorted = Dictionary(grouping: values.filter { IDClass($0) != nil }) { IDClass($0) ?? .string }
            .mapValues { $0.sorted(by: IDClass.precedes) }
        numbers = sorted[.integer]?.compactMap { if case .int64(let number) = $0 { number } else { nil } } ?? []
        classes = Set(sorted.keys)
        integers = ids?.integers
    }

    /// The share of integers between the smallest and the largest `_id` that are `_id`s: 1 for 1, 2, 3, …, and also if
    /// the number of documents is unknown.
    var density: Double {
        guard isCounted, let integers, let some = sorted[.integer] else { return 1 }
        let share = Double(some.count) / Double(max(1, sorted.values.reduce(0) { $0 + $1.count }))
        return min(1, Double(count) * share / (Double(integers.upperBound) - Double(integers.lowerBound) + 1))
    }

    /// How much of the range of `_id`s the values cover: with few ids their share of the ids, with many the share of
    /// tenths.
    func spread(of values: [Value]) -> Double {
        guard let kind = values.first.flatMap({ IDClass($0) }), let ids = sorted[kind], !ids.isEmpty else { return 0 }
        if ids.count < 20 { return min(1, Double(values.count) / Double(max(count, ids.count))) }
        // One bit per tenth.
        var tenths: UInt16 = 0
        for value in values where IDClass(value) == kind {
            let place =
                if case .int64(let number) = value { numbers.place { $0 < number } } else {
                    ids.place { IDClass.precedes($0, value) }
                }
            tenths |= 1 << UInt16(min(9, place * 10 / ids.count))
            // If integers count from 1 in very many collections, each is measured against all of them.
            if tenths == 0x3FF { return 1 }
        }
        return Double(tenths.nonzeroBitCount) / 10
    }

    /// Whether most ObjectIds were counted up instead of made by a driver: their timestamps are before MongoDB existed,
    /// or far in the future.
    var hasMadeUpObjectIDs: Bool {
        let ids = sorted[.objectID] ?? []
        let odd = ids.count { $0.objectID.map { !(1_200_000_000..<4_000_000_000).contains($0.high >> 32) } ?? false }
        return 2 * odd > ids.count
    }
}
