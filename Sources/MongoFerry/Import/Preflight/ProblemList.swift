import Relations

/// What is wrong with a file's rows: the lines of all, and the texts of the first.
struct ProblemList: Sendable {
    /// By collection, if its name could be read.
    private var linesOf: [ExactName?: [Int]] = [:]
    private(set) var count = 0
    /// At least the first ``limit`` problems; in the order of the file only after ``sorted()``.
    private(set) var kept: [RowProblem] = []
    let limit: Int

    /// Nobody reads more texts, and millions of rows may have faults.
    static let usualLimit = 1000

    /// - Parameter limit: the number of problems that are kept with their texts.
    init(limit: Int = Self.usualLimit) { self.limit = limit }

    /// Their lines in the file, in no order.
    var lines: [Int] { linesOf.values.flatMap(\.self) }

    /// The number of rows of each collection whose name could be read.
    var counts: [ExactName: Int] {
        Dictionary(uniqueKeysWithValues: linesOf.compactMap { name, lines in name.map { ($0, lines.count) } })
    }

    /// The same for one collection.
    func count(of collection: String) -> Int { linesOf[ExactName(collection)]?.count ?? 0 }

    /// The problems of some collections. For rows whose collection is unknown, `isWanted` is called with nil.
    func filter(_ isWanted: (String?) -> Bool) -> ProblemList {
        var result = ProblemList(limit: limit)
        result.linesOf = linesOf.filter { name, _ in isWanted(name?.text) }
        result.count = result.linesOf.values.reduce(0) { $0 + $1.count }
        result.kept = kept.filter { isWanted($0.collection) }
        return result
    }

    mutating func add(_ problem: RowProblem) {
        linesOf[problem.collection.map(ExactName.init), default: []].append(problem.line)
        count += 1
        kept.append(problem)
        if kept.count > 2 * limit + 64 { trim() }
    }

    mutating func merge(_ other: ProblemList) {
        linesOf.merge(other.linesOf, uniquingKeysWith: +)
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
