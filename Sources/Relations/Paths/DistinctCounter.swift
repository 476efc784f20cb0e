/// Counts distinct values by the smallest of their hashes: exact up to ``capacity``, within a few in a hundred above.
struct DistinctCounter: Sendable {
    static let capacity = 256
    /// Sorted, each once.
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

    /// So few compared values are chance, unless they are all that there are.
    private static let fewest = 20

    /// How many of these values are among others, of those that both counters would have kept; nil where these are too few to
    /// tell.
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

    /// No value with a smaller hash was left out.
    private var bound: UInt64 { smallest.count == Self.capacity ? smallest.last ?? .max : .max }

    /// Whether ``count`` is no estimate.
    var isExact: Bool { smallest.count < Self.capacity }

    var count: Int {
        guard smallest.count == Self.capacity, let largest = smallest.last else { return smallest.count }
        return Self.estimate(kept: Self.capacity, largest: largest)
    }

    /// How many distinct values there are where so many with the smallest hashes were kept.
    ///
    /// Values can be made whose hashes are all small: more than a million millions nobody has.
    static func estimate(kept: Int, largest: UInt64) -> Int {
        Int(min(Double(kept - 1) / (Double(largest) / Double(UInt64.max)), 1e12))
    }
}
