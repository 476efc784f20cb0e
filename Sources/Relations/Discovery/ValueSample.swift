import BSON

/// Some of the distinct values of a path: those with the smallest hashes. This makes it an unbiased sample that is the
/// same in every run, whatever the order of the documents.
struct ValueSample: Sendable {
    struct Entry: Sendable {
        let value: Value
        /// The number of occurrences.
        private(set) var times = 1
        /// The number of occurrences whose neighbouring fields were examined.
        private var looks = 1
        /// What the fields around it contained, itself included. All values of a document share one list as long as
        /// they occur with the same fields.
        private(set) var labels: [FieldLabels]

        fileprivate init(value: Value, labels: [FieldLabels]) {
            self.value = value
            self.labels = labels
        }

        /// Measured in values of usual length.
        fileprivate var weight: Int {
            guard case .document(let document) = value else { return 1 }
            return 1 + document.bytes.count / ValueSample.usualBytes
        }

        /// The number of occurrences with a field, extrapolated from those examined.
        func times(with field: FieldLabels) -> Int { times * max(0, looks - Int(field.missing)) / looks }

        /// Adds an occurrence, in another document or another place.
        fileprivate mutating func add(_ new: [FieldLabels]) {
            times += 1
            // For a very frequent value, one occurrence in eight says as much. They are chosen by hash, so that no
            // regularity in the documents can hide behind them.
            if times > 32, (UInt32(truncatingIfNeeded: times) &* 0x9E37_79B9) >> 29 != 0 { return }
            looks += 1
            guard labels != new else { return }
            let known = labels.count
            for place in 0..<known {
                let path = labels[place].path
                // Most documents of a collection have the same fields in the same order.
                let same =
                    place < new.count && new[place].path == path ? new[place] : new.first { $0.path == path }
                let merged = labels[place].adding(same)
                // Unchanged labels are not written, since the list may be shared.
                if merged != labels[place] { labels[place] = merged }
            }
            for label in new where labels.count < FieldLabels.maximumFields {
                if !labels.prefix(known).contains(where: { $0.path == label.path }) {
                    labels.append(label.missing(looks - 1))
                }
            }
        }
    }

    private static let usualBytes = 100

    private(set) var limit: Int
    /// The total of all entries, in values of usual length: a document can count as several.
    private(set) var weight = 0
    private(set) var isFull = false
    /// Sorted.
    private var hashes: [UInt64] = []
    /// For each hash, the index of its entry. Entries are large, and a new one would otherwise move half of them.
    private var slots: [Int32] = []
    private var stored: [Entry] = []

    init(limit: Int) { self.limit = limit }

    var count: Int { hashes.count }

    /// In the order of the hashes.
    var entries: [Entry] { slots.map { stored[Int($0)] } }

    /// The number of distinct values; above the limit, accurate within a few percent.
    var distinctCount: Int {
        guard isFull, let largest = hashes.last, count > 1 else { return count }
        return DistinctCounter.estimate(kept: count, largest: largest)
    }

    /// - Parameter labels: those of this occurrence.
    mutating func insert(_ element: RawElement, hash: UInt64, labels: [FieldLabels]) {
        if count == limit, let last = hashes.last, hash > last {
            isFull = true
            return
        }
        let place = hashes.place { $0 < hash }
        if place < hashes.count, hashes[place] == hash {
            stored[Int(slots[place])].add(labels)
            return
        }
        let entry = Entry(value: IDClass.normalized(Value(element)), labels: labels)
        weight += entry.weight
        if count == limit {
            isFull = true
            hashes.removeLast()
            let slot = slots.removeLast()
            weight -= stored[Int(slot)].weight
            stored[Int(slot)] = entry
            slots.insert(slot, at: place)
        } else {
            slots.insert(Int32(stored.count), at: place)
            stored.append(entry)
        }
        hashes.insert(hash, at: place)
    }

    mutating func shrink(to limit: Int) {
        self.limit = limit
        guard count > limit else { return }
        stored = slots[..<limit].map { stored[Int($0)] }
        slots = (0..<Int32(limit)).map(\.self)
        hashes.removeSubrange(limit...)
        weight = stored.reduce(0) { $0 + $1.weight }
        isFull = true
    }
}
