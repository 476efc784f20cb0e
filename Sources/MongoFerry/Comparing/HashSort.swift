extension Array where Element: FixedWidthInteger & UnsignedInteger & Sendable {
    /// Sorts evenly distributed numbers, such as hashes, in place: each goes into one of 256 buckets by its first byte
    /// (American flag sort), and each bucket is sorted by the next byte in the same way until few are left. For very
    /// many numbers, the first buckets are shared among all cores, since nothing else can be done meanwhile.
    mutating func sortHashes() {
        withUnsafeMutableBufferPointer {
            Self.sort($0, shift: Element.bitWidth - 8, isShared: $0.count >= Self.sharedFrom)
        }
    }

    /// Takes some milliseconds to sort, which makes starting threads worthwhile.
    private static var sharedFrom: Int { 1 << 17 }

    private static func sort(_ numbers: UnsafeMutableBufferPointer<Element>, shift: Int, isShared: Bool = false) {
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
            // No two buckets share a number, and the bounds no longer change.
            nonisolated(unsafe) let (shared, ends) = (numbers, starts)
            let sortBucket = { @Sendable (home: Int) in
                sort(UnsafeMutableBufferPointer(rebasing: shared[ends[home]..<ends[home + 1]]), shift: shift - 8)
            }
            if isShared {
                Threads.share(256, sortBucket)
            } else {
                (0..<256).forEach(sortBucket)
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
