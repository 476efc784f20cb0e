import BSON

/// Distinct ObjectIds, 16 bytes each; above a limit, a sample of them that is the same in every run.
///
/// At level n it holds the ids whose hash begins with n zero bits. Samples of different levels are therefore
/// comparable: restricted to the higher level, both hold every id that they saw.
struct IDSample: Sendable {
    private(set) var level = 0
    /// A sorted part without duplicates, followed by the ids inserted since.
    private var values: ContiguousArray<ObjectID> = []
    private var sortedCount = 0

    /// The number of values kept; includes duplicates before ``compact()``.
    var storedCount: Int { values.count }

    /// The distinct values kept, sorted. Needs ``compact()`` first.
    var sorted: ContiguousArray<ObjectID> { values }

    /// The number of distinct values seen: exact at level 0, otherwise estimated. Needs ``compact()`` first.
    var distinctCount: Int { values.count << level }

    mutating func insert(_ id: ObjectID) {
        guard Self.isKept(id, at: level) else { return }
        values.append(id)
        // Sorting when the unsorted part is as large as the rest costs log n passes in all.
        if values.count >= max(1024, 2 * sortedCount) { compact() }
    }

    mutating func compact() {
        guard values.count > sortedCount else { return }
        values.sort()
        var kept = 0
        for index in values.indices where index == 0 || values[index] != values[kept - 1] {
            values[kept] = values[index]
            kept += 1
        }
        values.removeSubrange(kept...)
        sortedCount = kept
    }

    /// Drops about half of the values.
    mutating func raiseLevel() { raiseLevel(to: level + 1) }

    mutating func raiseLevel(to wanted: Int) {
        guard wanted > level else { return }
        compact()
        level = wanted
        // A new array: the old one would keep its capacity.
        values = values.filter { Self.isKept($0, at: wanted) }
        sortedCount = values.count
    }

    mutating func merge(_ other: IDSample) {
        raiseLevel(to: other.level)
        for id in other.values { insert(id) }
    }

    /// The values to compare with a sample of that level.
    func values(at wanted: Int) -> ContiguousArray<ObjectID> {
        wanted <= level ? values : values.filter { Self.isKept($0, at: wanted) }
    }

    /// Calls `body` with the index of each of `candidates` that is in this sample.
    /// - Parameter candidates: sorted, at this level or a higher one.
    func forEachMatch(of candidates: ContiguousArray<ObjectID>, _ body: (Int) -> Void) {
        var low = 0
        for (index, candidate) in candidates.enumerated() {
            // Galloping search: steps of 1, 2, 4, …, then a binary search within the last step.
            var step = 1
            var high = low
            while high < values.count, values[high] < candidate {
                low = high + 1
                high += step
                step *= 2
            }
            high = min(high, values.count)
            while low < high {
                let middle = (low + high) / 2
                if values[middle] < candidate { low = middle + 1 } else { high = middle }
            }
            if low < values.count, values[low] == candidate { body(index) }
        }
    }

    private static func isKept(_ id: ObjectID, at level: Int) -> Bool {
        level == 0 || mixed(id.high ^ UInt64(id.low) &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - level) == 0
    }
}
