/// Which of a path's values are `_id`s of one target. If all are, which is usual, no list of them is stored: many paths
/// have hits in many targets.
struct Hits: Equatable, Sendable {
    private let askedFor: Int32
    private let existing: Int32
    private let flags: [Bool]

    /// - Parameter flags: one for each value asked for, which are the first of the path's values.
    init(_ flags: [Bool]) {
        let existing = flags.count { $0 }
        askedFor = Int32(flags.count)
        self.existing = Int32(existing)
        self.flags = existing == flags.count ? [] : flags
    }

    var asked: Int { Int(askedFor) }
    var count: Int { Int(existing) }

    /// Whether the value at that index exists; false if it was not asked for.
    subscript(place: Int) -> Bool { place < asked && (flags.isEmpty || flags[place]) }
}

/// The hits of one path, by the targets' indexes.
///
/// Adjacent targets with equal answers share an entry: collections of many tenants are alike, and where integers count
/// from 1 in a thousand of them there are millions of answers.
struct HitsByTarget: Sendable {
    private struct Run {
        var first: Int
        var last: Int
        let hits: Hits
    }

    /// Sorted by target.
    private var runs: [Run] = []

    /// Nil if none of the values exist in the target.
    subscript(target: Int) -> Hits? {
        let place = place(of: target)
        return place < runs.count && runs[place].first <= target ? runs[place].hits : nil
    }

    func contains(_ isWanted: (Hits) -> Bool) -> Bool { runs.contains { isWanted($0.hits) } }

    /// Records a target's answer in place of its previous one.
    mutating func note(_ new: Hits, in target: Int) {
        let place = place(of: target)
        var parts = [Run(first: target, last: target, hits: new)]
        var replaced = place..<place
        if place < runs.count, runs[place].first <= target {
            let old = runs[place]
            if old.hits == new { return }
            if old.first < target { parts.insert(Run(first: old.first, last: target - 1, hits: old.hits), at: 0) }
            if old.last > target { parts.append(Run(first: target + 1, last: old.last, hits: old.hits)) }
            replaced = place..<place + 1
        }
        if parts[0].first == target, place > 0, runs[place - 1].last == target - 1, runs[place - 1].hits == new {
            parts[0].first = runs[place - 1].first
            replaced = place - 1..<replaced.upperBound
        }
        let next = replaced.upperBound
        if let end = parts.last, end.last == target, next < runs.count, runs[next].first == target + 1,
            runs[next].hits == new
        {
            parts[parts.count - 1].last = runs[next].last
            replaced = replaced.lowerBound..<next + 1
        }
        runs.replaceSubrange(replaced, with: parts)
    }

    /// The index of the first run that does not end before the target.
    private func place(of target: Int) -> Int {
        if let last = runs.last, last.last < target { return runs.count }
        return runs.place { $0.last < target }
    }
}
