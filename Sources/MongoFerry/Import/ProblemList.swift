/// What is wrong with a file's rows: all counted, some kept.
struct ProblemList: Sendable {
    private(set) var count = 0
    /// In the order of the file.
    private(set) var kept: [RowProblem] = []
    let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func add(_ problem: RowProblem) {
        count += 1
        kept.append(problem)
        if kept.count > 2 * limit + 64 { trim() }
    }

    mutating func merge(_ other: ProblemList) {
        count += other.count
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
