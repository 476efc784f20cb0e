import BSON

/// Some of the distinct values of a path: those with the smallest hashes, which makes it a fair sample of them and the
/// same in every run, in whatever order the documents came.
struct ValueSample: Sendable {
    struct Entry: Sendable {
        let hash: UInt64
        let value: Value
        /// What the fields around it held, its own among them: a list that all values of a document share.
        let labels: [Label]
    }

    /// A field, by the number of its path, and which of its values it held.
    struct Label: Hashable, Sendable {
        let path: Int
        let value: Int
    }

    private(set) var limit: Int
    private(set) var entries: [Entry] = []
    private(set) var isFull = false

    init(limit: Int) { self.limit = limit }

    /// How many distinct values there were; above the limit within a few in a hundred.
    var distinctCount: Int {
        guard isFull, let largest = entries.last?.hash, entries.count > 1 else { return entries.count }
        return DistinctCounter.estimate(kept: entries.count, largest: largest)
    }

    mutating func insert(_ element: RawElement, hash: UInt64, labels: [Label]) {
        if entries.count == limit, let last = entries.last, hash > last.hash {
            isFull = true
            return
        }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        if low < entries.count, entries[low].hash == hash { return }
        if entries.count == limit {
            entries.removeLast()
            isFull = true
        }
        entries.insert(
            Entry(hash: hash, value: IDClass.normalized(Value(element)), labels: labels), at: low)
    }

    mutating func shrink(to limit: Int) {
        self.limit = limit
        guard entries.count > limit else { return }
        entries.removeSubrange(limit...)
        isFull = true
    }
}
