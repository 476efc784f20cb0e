/// Hashes of many `_id`s, each with one of its document where that is wanted: 8 bytes a record, or 16.
///
/// Filled in any order, then sorted once. Searching guesses the place first: hashes are spread evenly.
struct RecordHashes: Sendable {
    private var ids: [UInt64] = []
    /// `_id` in the upper half, document in the lower.
    private var pairs: [UInt128] = []

    /// Whether documents have hashes too; all entries are of one kind.
    private(set) var hasDocuments = false

    var count: Int { hasDocuments ? pairs.count : ids.count }

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

    mutating func sort() {
        ids.sortHashes()
        pairs.sortHashes()
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

    /// The first place of an `_id`'s hash; nil where it is not there.
    func place(of id: UInt64) -> Int? {
        let count = count
        guard count > 0 else { return nil }
        // Everything below `low` is smaller, nothing from `high` on is.
        let guess = Int(id.multipliedFullWidth(by: UInt64(count)).high)
        var low = guess
        var high = guess
        var step = 16
        while low > 0, self[low - 1] >= id {
            high = low - 1
            low = max(0, low - step)
            step *= 2
        }
        step = 16
        while high < count, self[high] < id {
            low = high + 1
            high = min(count, high + step)
            step *= 2
        }
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == id ? low : nil
    }
}

extension Array where Element: FixedWidthInteger & UnsignedInteger {
    /// Sorts numbers that are spread evenly, as hashes are, in place: each goes to one of 256 buckets by its first byte
    /// (American flag sort), each bucket likewise by the next, until few are left.
    mutating func sortHashes() {
        withUnsafeMutableBufferPointer { Self.sort($0, shift: Element.bitWidth - 8) }
    }

    private static func sort(_ numbers: UnsafeMutableBufferPointer<Element>, shift: Int) {
        guard numbers.count > 32 else { return sortFew(numbers) }
        guard shift >= 0 else { return }
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 513) { counts in
            counts.initialize(repeating: 0)
            let (starts, places) = (counts[..<257], UnsafeMutableBufferPointer(rebasing: counts[257...]))
            func bucket(of number: Element) -> Int { Int(truncatingIfNeeded: number >> shift) & 255 }
            for number in numbers { counts[bucket(of: number) + 1] += 1 }
            for bucket in 0..<256 {
                counts[bucket + 1] += counts[bucket]
                places[bucket] = counts[bucket]
            }
            for home in 0..<256 {
                while places[home] < starts[home + 1] {
                    var number = numbers[places[home]]
                    var own = bucket(of: number)
                    while own != home {
                        swap(&number, &numbers[places[own]])
                        places[own] += 1
                        own = bucket(of: number)
                    }
                    numbers[places[home]] = number
                    places[home] += 1
                }
            }
            for home in 0..<256 {
                sort(UnsafeMutableBufferPointer(rebasing: numbers[starts[home]..<starts[home + 1]]), shift: shift - 8)
            }
        }
    }

    private static func sortFew(_ numbers: UnsafeMutableBufferPointer<Element>) {
        for index in numbers.indices.dropFirst() {
            let number = numbers[index]
            var place = index
            while place > 0, numbers[place - 1] > number {
                numbers[place] = numbers[place - 1]
                place -= 1
            }
            numbers[place] = number
        }
    }
}
