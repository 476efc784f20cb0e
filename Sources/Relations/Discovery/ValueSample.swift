import BSON

/// Some of the distinct values of a path: those with the smallest hashes, which makes it a fair sample of them and the
/// same in every run, in whatever order the documents came.
struct ValueSample: Sendable {
    struct Entry: Sendable {
        let value: Value
        /// How often it came.
        private(set) var times = 1
        /// How many of these times the fields around it were looked at.
        private var looks = 1
        /// What the fields around it held, its own among them: a list that all values of a document share, as long as
        /// they come with the same.
        private(set) var labels: [FieldLabels]

        fileprivate init(value: Value, labels: [FieldLabels]) {
            self.value = value
            self.labels = labels
        }

        /// In values of usual length.
        fileprivate var weight: Int {
            guard case .document(let document) = value else { return 1 }
            return 1 + document.bytes.count / ValueSample.usualBytes
        }

        /// How often a field was there, as far as it was looked at.
        func times(with field: FieldLabels) -> Int { times * max(0, looks - Int(field.missing)) / looks }

        /// The value has come again, in another document or another place.
        fileprivate mutating func add(_ new: [FieldLabels]) {
            times += 1
            // Of a value that comes all the time one in eight tells as much, and no eighth that a rhythm of the documents
            // could hide behind.
            if times > 32, (UInt32(truncatingIfNeeded: times) &* 0x9E37_79B9) >> 29 != 0 { return }
            looks += 1
            guard labels != new else { return }
            let known = labels.count
            for place in 0..<known {
                let path = labels[place].path
                // Documents of a collection mostly have the same fields in one order.
                let same =
                    place < new.count && new[place].path == path ? new[place] : new.first { $0.path == path }
                let merged = labels[place].adding(same)
                // What is as before is left alone: the list may be shared.
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
    /// Of all entries, in values of usual length: a document can be as much as several.
    private(set) var weight = 0
    private(set) var isFull = false
    /// Sorted.
    private var hashes: [UInt64] = []
    /// For each of these, where its entry is: entries are large, and every new one would move half of them.
    private var slots: [Int32] = []
    private var stored: [Entry] = []

    init(limit: Int) { self.limit = limit }

    var count: Int { hashes.count }

    /// In the order of their hashes.
    var entries: [Entry] { slots.map { stored[Int($0)] } }

    /// How many distinct values there were; above the limit within a few in a hundred.
    var distinctCount: Int {
        guard isFull, let largest = hashes.last, count > 1 else { return count }
        return DistinctCounter.estimate(kept: count, largest: largest)
    }

    /// - Parameter labels: of this one time.
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
