import Relations

/// What is wrong with a file's rows: the number of faulty rows in each collection, the texts of the first, and the
/// lines of all if these may still be set aside.
struct ProblemList: Sendable {
    /// The number by collection, if its name could be read.
    private var countOf: [ExactName?: Int] = [:]
    /// The lines by collection; empty once there are more than ``lineLimit``.
    private var linesOf: [ExactName?: [Int]] = [:]
    private(set) var count = 0
    /// At least the first ``limit`` problems, in no order; see ``inOrder``.
    private(set) var kept: [RowProblem] = []
    let limit: Int
    /// The number of problems up to which all lines are kept, 8 bytes each: with more, the file is refused anyway.
    let lineLimit: Int

    /// Nobody reads more texts, and millions of rows may have faults.
    static let usualLimit = 1000

    /// - Parameter limit: the number of problems that are kept with their texts.
    init(limit: Int = Self.usualLimit, lineLimit: Int = 0) {
        self.limit = limit
        self.lineLimit = lineLimit
    }

    /// The lines of all problems in no order; empty if there are more than ``lineLimit``.
    var lines: [Int] { linesOf.values.flatMap(\.self) }

    /// The number of rows of each collection whose name could be read.
    var counts: [ExactName: Int] {
        Dictionary(uniqueKeysWithValues: countOf.compactMap { name, count in name.map { ($0, count) } })
    }

    /// The same for one collection.
    func count(of collection: String) -> Int { countOf[ExactName(collection)] ?? 0 }

    /// The number of rows that name no collection.
    var countOfNameless: Int { countOf[nil] ?? 0 }

    /// The problems of some collections. For rows whose collection is unknown, `isWanted` is called with nil.
    func filter(_ isWanted: (String?) -> Bool) -> ProblemList {
        var result = ProblemList(limit: limit, lineLimit: lineLimit)
        result.countOf = countOf.filter { name, _ in isWanted(name?.text) }
        result.linesOf = linesOf.filter { name, _ in isWanted(name?.text) }
        result.count = result.countOf.values.reduce(0, +)
        result.kept = kept.filter { isWanted($0.collection) }
        return result
    }

    mutating func add(_ problem: RowProblem) {
        let name = problem.collection.map(ExactName.init)
        countOf[name, default: 0] += 1
        count += 1
        if count <= lineLimit { linesOf[name, default: []].append(problem.line) } else { linesOf = [:] }
        kept.append(problem)
        if kept.count > 2 * limit + 64 { trim() }
    }

    /// Counts more rows of a collection, whose texts and lines are not kept: only for a file with so many problems that
    /// it is refused, and of which the first are kept.
    mutating func add(untold number: Int, of collection: String) {
        countOf[ExactName(collection), default: 0] += number
        count += number
        if count > lineLimit { linesOf = [:] }
    }

    mutating func merge(_ other: ProblemList) {
        countOf.merge(other.countOf, uniquingKeysWith: +)
        count += other.count
        linesOf = count <= lineLimit ? linesOf.merging(other.linesOf, uniquingKeysWith: +) : [:]
        kept += other.kept
        trim()
    }

    private mutating func trim() { kept = inOrder }

    /// The first ``limit`` problems in the order of the file.
    var inOrder: [RowProblem] { Array(kept.sorted { $0.line < $1.line }.prefix(limit)) }
}
