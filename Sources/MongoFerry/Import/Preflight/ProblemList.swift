/// What is wrong with a file's rows: all counted, some kept.
struct ProblemList: Sendable {
    private(set) var count = 0
    /// How many rows of each collection, as far as its name could be read.
    private(set) var counts: [String: Int] = [:]
    /// In the order of the file.
    private(set) var kept: [RowProblem] = []
    let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func add(_ problem: RowProblem) {
        count += 1
        if let name = problem.collection { counts[name, default: 0] += 1 }
        kept.append(problem)
        if kept.count > 2 * limit + 64 { trim() }
    }

    mutating func merge(_ other: ProblemList) {
        count += other.count
        counts.merge(other.counts, uniquingKeysWith: +)
        kept += other.kept
        trim()
    }

    private mutating func trim() {
        kept.sort { $0.line < $1.line }
        kept.removeLast(max(0, kept.count - limit))
    }

    mutating func sorted() -> [RowProblem] {
        trim()
        return kept
    }
}
