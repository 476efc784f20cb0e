import Synchronization

/// Hashes of many `_id`s, each with one of its document where that is wanted: 8 bytes a record, or 16.
///
/// Filled in any order, then sorted once. Hashes are spread evenly, so a table tells where those with the same first bits
/// start, of which there are some 8: a byte a record more, and one look into memory instead of many.
struct RecordHashes: Sendable {
    private var ids: [UInt64] = []
    /// `_id` in the upper half, document in the lower.
    private var pairs: [UInt128] = []
    /// Where each bucket starts, and the end of the last one; empty before they are sorted.
    private var starts: [Int] = []
    /// Bits of an `_id`'s hash behind those that tell its bucket.
    private var shift = 0

    /// Whether documents have hashes too; all entries are of one kind.
    private(set) var hasDocuments = false

    var count: Int { hasDocuments ? pairs.count : ids.count }

    /// Makes room for so many: an array that grows holds its content twice for a moment.
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

    /// Their room stays.
    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        pairs.removeAll(keepingCapacity: true)
    }

    /// Must follow the last one that was added, before any is looked for.
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

    /// Those of `_id`s that are there more than once.
    var repeatedIDs: Set<UInt64> {
        var repeated: Set<UInt64> = []
        for place in 0..<max(count - 1, 0) where self[place] == self[place + 1] { repeated.insert(self[place]) }
        return repeated
    }

    /// The hash of the `_id` at a place.
    subscript(place: Int) -> UInt64 {
        hasDocuments ? UInt64(truncatingIfNeeded: pairs[place] >> 64) : ids[place]
    }

    /// The hash of the document at a place.
    func document(at place: Int) -> UInt64? { hasDocuments ? UInt64(truncatingIfNeeded: pairs[place]) : nil }

    func contains(_ id: UInt64) -> Bool { place(of: id) != nil }

    /// The same as ``place(of:)`` for many: calls `body` with the number of each that is there, and its place.
    ///
    /// The memory they lie in is asked for together, not one after the other.
    func forEachPlace(of wanted: [UInt64], _ body: (_ number: Int, _ place: Int) -> Void) {
        guard !starts.isEmpty else { return }
        let stride = 16
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: stride) { first in
            for group in Swift.stride(from: 0, to: wanted.count, by: stride) {
                let size = min(stride, wanted.count - group)
                for index in 0..<size { first[index] = UInt64(starts[Int(wanted[group + index] >> shift)]) }
                for index in 0..<size {
                    let place = Int(first[index])
                    first[index] = place < count ? self[place] : 0
                }
                for index in 0..<size {
                    let id = wanted[group + index]
                    // A bucket that starts with a larger one has nothing for it.
                    if first[index] > id { continue }
                    if let place = place(of: id) { body(group + index, place) }
                }
            }
        }
    }

    /// The first place of an `_id`'s hash; nil where it is not there.
    func place(of id: UInt64) -> Int? {
        guard !starts.isEmpty else { return nil }
        let bucket = Int(id >> shift)
        var (low, high) = (starts[bucket], starts[bucket + 1])
        // One after the other: a few lie side by side, and jumping among them costs more. Many are no chance.
        while high - low > 64 {
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

/// Hashes that several threads find, of a collection or a field of one, in one place: gathering them afterwards would hold
/// them twice.
final class SharedHashes<Key: Hashable & Sendable>: Sendable {
    private let byKey = Mutex<[Key: RecordHashes]>([:])

    func reserve(_ count: Int, for key: Key, withDocuments: Bool) {
        byKey.withLock { $0[key, default: RecordHashes()].reserve(count, withDocuments: withDocuments) }
    }

    func add(_ hashes: RecordHashes, to key: Key) {
        byKey.withLock { $0[key, default: RecordHashes()].append(contentsOf: hashes) }
    }

    /// Adds what a thread has found so far, and empties it.
    func move(_ found: inout [Key: RecordHashes]) {
        for key in found.keys {
            guard let hashes = found[key], hashes.count > 0 else { continue }
            add(hashes, to: key)
            found[key]?.removeAll()
        }
    }

    /// Those of one key, sorted, which are then gone from here.
    func take(_ key: Key) -> RecordHashes {
        var hashes = byKey.withLock { $0.removeValue(forKey: key) ?? RecordHashes() }
        hashes.sort()
        return hashes
    }
}
