/// What is wrong with a file's rows: the lines of all, the texts of the first.
struct ProblemList: Sendable {
    /// Of the file, in no order.
    private(set) var lines: [Int] = []
    /// How many rows of each collection, as far as its name could be read.
    private(set) var counts: [String: Int] = [:]
    /// In the order of the file.
    private(set) var kept: [RowProblem] = []
    let limit: Int

    /// As many texts as anybody reads. There may be millions of rows with faults.
    static let usualLimit = 1000

    /// - Parameter limit: so many problems are kept with their texts.
    init(limit: Int = Self.usualLimit) { self.limit = limit }

    var count: Int { lines.count }

    mutating func add(_ problem: RowProblem) {
        lines.append(problem.line)
        if let name = problem.collection { counts[name, default: 0] += 1 }
        kept.append(problem)
        if kept.count > 2 * limit + 64 { trim() }
    }

    mutating func merge(_ other: ProblemList) {
        lines += other.lines
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
