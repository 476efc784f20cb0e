import Synchronization

/// Hashes of many `_id`s, optionally each with a hash of its document: 8 or 16 bytes per record.
///
/// Filled in any order, then sorted once. Since hashes are evenly distributed, a table holds where the hashes with the
/// same first bits start, about 8 of them: that costs one more byte per record, and replaces many memory accesses by
/// one.
struct RecordHashes: Sendable {
    private var ids: [UInt64] = []
    /// The hash of the `_id` in the upper half, of the document in the lower.
    private var pairs: [UInt128] = []
    /// Where each bucket starts, and the end of the last one; empty before sorting.
    private var starts: [Int] = []
    /// The number of low bits of an `_id`'s hash that do not select its bucket.
    private var shift = 0

    /// Whether documents have hashes, too; either all entries have them or none.
    private(set) var hasDocuments = false

    var count: Int { hasDocuments ? pairs.count : ids.count }

    /// Reserves capacity: an array that grows briefly holds its content twice.
    mutating func reserve(_ count: Int, withDocuments: Bool) {
        if withDocuments { pairs.reserveCapacity(count) } else { ids.reserveCapacity(count) }
    }

    mutating func append(_ id: UInt64, document: UInt64?) {
        if let document {
            hasDocuments = true
            pairs.append(UInt128(id) << 64 | UInt128(document))
        } else {
            ids.append(id)
        }
    }

    mutating func append(contentsOf other: RecordHashes) {
        hasDocuments = hasDocuments || other.hasDocuments
        ids += other.ids
        pairs += other.pairs
    }

    /// Removes all hashes and keeps the capacity.
    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        pairs.removeAll(keepingCapacity: true)
    }

    /// Must be called after the last hash was added and before any lookup.
    mutating func sort() {
        ids.sortHashes()
        pairs.sortHashes()
        let bits = max(1, Int.bitWidth - (count / 8).leadingZeroBitCount)
        shift = UInt64.bitWidth - bits
        starts = []
        starts.reserveCapacity(1 << bits + 1)
        for place in 0..<count {
            let bucket = Int(self[place] >> shift)
            while starts.count <= bucket { starts.append(place) }
        }
        while starts.count <= 1 << bits { starts.append(count) }
    }

    /// The number of hashes of `_id`s that occur more than once, and of records whose hash another one before has.
    var repeated: (hashes: Int, records: Int) {
        var result = (hashes: 0, records: 0)
        for place in 0..<max(count - 1, 0) where self[place] == self[place + 1] {
            result.records += 1
            if place == 0 || self[place - 1] != self[place] { result.hashes += 1 }
        }
        return result
    }

    /// Those of the hashes that occur more than once which a condition applies to.
    func repeatedIDs(where isWanted: (UInt64) -> Bool) -> Set<UInt64> {
        var repeated: Set<UInt64> = []
        for place in 0..<max(count - 1, 0) where self[place] == self[place + 1] && isWanted(self[place]) {
            repeated.insert(self[place])
        }
        return repeated
    }

    /// The first index of a hash that occurs more than once; nil for any other.
    func firstPlace(ofRepeated id: UInt64) -> Int? {
        guard let place = place(of: id), place + 1 < count, self[place + 1] == id else { return nil }
        return place
    }

    /// The hash of the `_id` at an index.
    subscript(place: Int) -> UInt64 {
        hasDocuments ? UInt64(truncatingIfNeeded: pairs[place] >> 64) : ids[place]
    }

    /// The hash of the document at an index.
    func document(at place: Int) -> UInt64? { hasDocuments ? UInt64(truncatingIfNeeded: pairs[place]) : nil }

    func contains(_ id: UInt64) -> Bool { place(of: id) != nil }

    /// Does the same as ``place(of:)`` for many hashes: calls `body` with the index in `wanted` of each one found, and
    /// its place.
    ///
    /// The memory accesses of a group are issued together rather than one after the other.
    func forEachPlace(of wanted: [UInt64], _ body: (_ number: Int, _ place: Int) -> Void) {
        if hasDocuments {
            pairs.withUnsafeBufferPointer {
                forEachPlace(of: wanted, in: $0, id: { UInt64(truncatingIfNeeded: $0 >> 64) }, body)
            }
        } else {
            ids.withUnsafeBufferPointer { forEachPlace(of: wanted, in: $0, id: { $0 }, body) }
        }
    }

    /// - Parameter id: the hash of an entry's `_id`.
    @inline(__always) private func forEachPlace<Entry>(
        of wanted: [UInt64], in entries: UnsafeBufferPointer<Entry>, id: (Entry) -> UInt64,
        _ body: (_ number: Int, _ place: Int) -> Void
    ) {
        guard !starts.isEmpty else { return }
        let stride = 16
        withUnsafeTemporaryAllocation(of: (place: Int, id: UInt64).self, capacity: stride) { first in
            for group in Swift.stride(from: 0, to: wanted.count, by: stride) {
                let size = min(stride, wanted.count - group)
                for index in 0..<size { first[index].place = starts[Int(wanted[group + index] >> shift)] }
                for index in 0..<size {
                    let place = first[index].place
                    first[index].id = place < entries.count ? id(entries[place]) : .max
                }
                for index in 0..<size {
                    let number = group + index
                    var (place, found) = first[index]
                    let farthest = min(place + Self.mostAdjacent, entries.count)
                    while found < wanted[number], place < farthest {
                        place += 1
                        found = place < entries.count ? id(entries[place]) : .max
                    }
                    if found < wanted[number] {
                        if let place = self.place(of: wanted[number]) { body(number, place) }
                    } else if found == wanted[number], place < entries.count {
                        body(number, place)
                    }
                }
            }
        }
    }

    /// The most hashes that are scanned one by one. More in a bucket are no coincidence, and are bisected first.
    private static let mostAdjacent = 64

    /// The first index of an `_id`'s hash; nil if there is none.
    func place(of id: UInt64) -> Int? {
        guard !starts.isEmpty else { return nil }
        let bucket = Int(id >> shift)
        var (low, high) = (starts[bucket], starts[bucket + 1])
        // A few hashes are adjacent, and scanning them is cheaper than jumping among them.
        while high - low > Self.mostAdjacent {
            let middle = (low + high) / 2
            if self[middle] < id { low = middle + 1 } else { high = middle + 1 }
        }
        if hasDocuments {
            let wanted = UInt128(id) << 64
            while low < high, pairs[low] < wanted { low += 1 }
        } else {
            while low < high, ids[low] < id { low += 1 }
        }
        return low < count && self[low] == id ? low : nil
    }
}

/// Hashes that several threads find for a collection or one of its fields, gathered in one place: merging them
/// afterwards would hold them twice.
final class SharedHashes<Key: Hashable & Sendable>: Sendable {
    private let byKey = Mutex<[Key: RecordHashes]>([:])

    func reserve(_ count: Int, for key: Key, withDocuments: Bool) {
        byKey.withLock { $0[key, default: RecordHashes()].reserve(count, withDocuments: withDocuments) }
    }

    func add(_ hashes: RecordHashes, to key: Key) {
        byKey.withLock { $0[key, default: RecordHashes()].append(contentsOf: hashes) }
    }

    /// Adds what a thread has found so far, and empties `found`.
    func move(_ found: inout [Key: RecordHashes]) {
        for key in found.keys {
            guard let hashes = found[key], hashes.count > 0 else { continue }
            add(hashes, to: key)
            found[key]?.removeAll()
        }
    }

    /// Removes and returns the hashes of one key, sorted.
    func take(_ key: Key) -> RecordHashes {
        var hashes = byKey.withLock { $0.removeValue(forKey: key) ?? RecordHashes() }
        hashes.sort()
        return hashes
    }
}
