/// Counts distinct values by their smallest hashes: exact below ``capacity``, within a few percent from there on.
struct DistinctCounter: Sendable {
    static let capacity = 256
    /// Sorted, without duplicates.
    private var smallest: [UInt64] = []

    mutating func insert(_ hash: UInt64) {
        if smallest.count == Self.capacity, let last = smallest.last, hash >= last { return }
        var low = 0
        var high = smallest.count
        while low < high {
            let middle = (low + high) / 2
            if smallest[middle] < hash { low = middle + 1 } else { high = middle }
        }
        guard low == smallest.count || smallest[low] != hash else { return }
        if smallest.count == Self.capacity { smallest.removeLast() }
        smallest.insert(hash, at: low)
    }

    mutating func merge(_ other: DistinctCounter) {
        for hash in other.smallest { insert(hash) }
    }

    /// With fewer compared values the result is chance, unless these are all values.
    private static let fewest = 20

    /// The number of these values that the other counter has, too, among those that both would have kept; nil if there
    /// are too few to tell.
    func share(in other: DistinctCounter) -> (found: Int, all: Int)? {
        let bound = min(bound, other.bound)
        let comparable = smallest.prefix { $0 <= bound }
        guard bound == .max || comparable.count >= Self.fewest else { return nil }
        return (comparable.count(where: other.contains), comparable.count)
    }

    private func contains(_ hash: UInt64) -> Bool {
        let place = smallest.place { $0 < hash }
        return place < smallest.count && smallest[place] == hash
    }

    /// The largest hash up to which every value was kept.
    private var bound: UInt64 { smallest.count == Self.capacity ? smallest.last ?? .max : .max }

    /// Whether ``count`` is exact, not an estimate.
    var isExact: Bool { smallest.count < Self.capacity }

    var count: Int {
        guard smallest.count == Self.capacity, let largest = smallest.last else { return smallest.count }
        return Self.estimate(kept: Self.capacity, largest: largest)
    }

    /// Estimates the number of distinct values from the number and the largest of the smallest hashes kept.
    ///
    /// Capped at 10¹², which no collection reaches, since values can be crafted so that all their hashes are small.
    static func estimate(kept: Int, largest: UInt64) -> Int {
        Int(min(Double(kept - 1) / (Double(largest) / Double(UInt64.max)), 1e12))
    }
}
