import BSON

/// What the legacy rows of one collection hold, path by path.
struct CollectionSurvey: Sendable {
    private(set) var walker: PathWalker
    /// Indexed by the number of the path.
    private(set) var paths: [PathSurvey] = []
    private(set) var rows = 0

    init(walker: PathWalker = PathWalker()) { self.walker = walker }

    /// Surveys the `_id` alone, which does not count as a row.
    mutating func add(id: RawElement) {
        var hint = 0
        guard let number = walker.child(of: 0, named: id.key, hint: &hint) else { return }
        while paths.count <= number { paths.append(PathSurvey()) }
        paths[number].add(id)
    }

    mutating func add(_ document: RawDocument) throws {
        rows += 1
        // Moved out for the walk: the closure must not access `self`, which the walk mutates.
        var paths: [PathSurvey] = []
        swap(&paths, &self.paths)
        defer { swap(&paths, &self.paths) }
        try walker.forEachValue(in: document) { id, element in
            while paths.count <= id { paths.append(PathSurvey()) }
            paths[id].add(element)
        }
    }

    /// - Parameter counts: the number of values that are no dates in other rows, by the number of the path.
    mutating func noteElsewhere(_ counts: [Int]) {
        for (number, count) in counts.enumerated() { paths[number].valuesElsewhere += count }
    }

    mutating func merge(_ other: CollectionSurvey) {
        rows += other.rows
        for (theirs, ours) in walker.absorb(other.walker).enumerated() {
            guard let ours, other.paths.indices.contains(theirs) else { continue }
            while paths.count <= ours { paths.append(PathSurvey()) }
            paths[ours].merge(other.paths[theirs])
        }
    }

    /// The ids among the `_id`s.
    var ids: IDSample { keys?.ids ?? IDSample() }

    /// What was seen of the `_id`s; nil if there were none.
    var keys: PathSurvey? { paths.indices.first { walker.path($0) == .id }.map { paths[$0] } }

    /// The paths, sorted.
    var named: [(path: FieldPath, number: Int)] {
        paths.indices.compactMap { number in walker.path(number).map { (path: $0, number: number) } }
            .sorted { $0.path < $1.path }
    }

    /// The number of live documents' paths that are kept where the rows have too many names to be surveyed.
    private static let roomForLiveTypes = 60_000

    /// Makes an observer for the live documents. Their names may be data: those that no row has must not take the room
    /// of others. Where the rows have too many names to be surveyed, all count.
    var liveObserver: TypeObserver {
        guard !walker.isFull else { return TypeObserver(walker: PathWalker(maximumPaths: Self.roomForLiveTypes)) }
        let wanted = named.filter { paths[$0.number].isConvertible }
        let doubtful = wanted.filter { paths[$0.number].isLookAlike }
        let others = wanted.filter { !paths[$0.number].isLookAlike }
        return TypeObserver(
            walker: walker.closed(room: Self.roomForLiveTypes), wanted: (doubtful + others).map(\.number))
    }

    mutating func compact() {
        for index in paths.indices { paths[index].ids.compact() }
    }

    var storedIDs: Int { paths.reduce(0) { $0 + $1.ids.storedCount } }

    /// The number of ids kept at the path with the most.
    var mostIDs: Int { paths.reduce(0) { max($0, $1.ids.storedCount) } }

    /// Thins out the paths at which more than `count` ids are kept.
    mutating func raiseLevels(ofPathsAbove count: Int) {
        for index in paths.indices where paths[index].ids.storedCount > count { paths[index].ids.raiseLevel() }
    }
}
