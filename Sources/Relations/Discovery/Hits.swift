/// Which of a path's values are `_id`s of one target. Where all are, as is usual, that takes no list; many paths have
/// some in many targets.
struct Hits: Sendable {
    private let askedFor: Int32
    private let existing: Int32
    private let flags: [Bool]

    /// - Parameter flags: for each value that was asked for, the first of the path's.
    init(_ flags: [Bool]) {
        let existing = flags.count { $0 }
        askedFor = Int32(flags.count)
        self.existing = Int32(existing)
        self.flags = existing == flags.count ? [] : flags
    }

    var asked: Int { Int(askedFor) }
    var count: Int { Int(existing) }

    /// Whether the value at that place exists; false where it was not asked for.
    subscript(place: Int) -> Bool { place < asked && (flags.isEmpty || flags[place]) }
}

/// The hits of one path, by the targets' places. A list, since a dictionary takes four times as much memory, and where
/// whole numbers count from 1 in a thousand collections there are millions.
struct HitsByTarget: Sendable {
    private var targets: [Int32] = []
    private var hits: [Hits] = []

    /// Nil where none of the values exist in the target.
    subscript(target: Int) -> Hits? {
        let place = place(of: target)
        return isKnown(target, at: place) ? hits[place] : nil
    }

    /// Notes what a target answered, instead of what it answered before.
    mutating func note(_ new: Hits, in target: Int) {
        let place = place(of: target)
        if isKnown(target, at: place) {
            hits[place] = new
        } else {
            targets.insert(Int32(target), at: place)
            hits.insert(new, at: place)
        }
    }

    private func isKnown(_ target: Int, at place: Int) -> Bool {
        place < targets.count && targets[place] == Int32(target)
    }

    /// Where it stands or belongs.
    private func place(of target: Int) -> Int {
        if let last = targets.last, last < Int32(target) { return targets.count }
        var (low, high) = (0, targets.count)
        while low < high {
            let middle = (low + high) / 2
            if targets[middle] < Int32(target) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
