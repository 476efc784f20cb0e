import Relations

/// What is wrong with a file's rows: how many in each collection, the texts of the first, and the lines of as many as may
/// be set aside.
struct ProblemList: Sendable {
    /// By the collection, as far as its name could be read.
    private var countOf: [ExactName?: Int] = [:]
    /// The same of lines; empty once there are more than ``lineLimit``.
    private var linesOf: [ExactName?: [Int]] = [:]
    private(set) var count = 0
    /// In the order of the file.
    private(set) var kept: [RowProblem] = []
    let limit: Int
    /// The most problems of which all lines are kept, at 8 bytes each: with more, nothing is set aside.
    let lineLimit: Int

    /// As many texts as anybody reads. There may be millions of rows with faults.
    static let usualLimit = 1000

    /// - Parameter limit: so many problems are kept with their texts.
    init(limit: Int = Self.usualLimit, lineLimit: Int = 0) {
        self.limit = limit
        self.lineLimit = lineLimit
    }

    /// The lines of all problems in no order; empty if there are more than ``lineLimit``.
    var lines: [Int] { linesOf.values.flatMap(\.self) }

    /// How many rows of each collection, as far as its name could be read.
    var counts: [ExactName: Int] {
        Dictionary(uniqueKeysWithValues: countOf.compactMap { name, count in name.map { ($0, count) } })
    }

    /// The same of one.
    func count(of collection: String) -> Int { countOf[ExactName(collection)] ?? 0 }

    /// Those of some collections; of rows without a name where it says so of nil.
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

    mutating func merge(_ other: ProblemList) {
        countOf.merge(other.countOf, uniquingKeysWith: +)
        count += other.count
        linesOf = count <= lineLimit ? linesOf.merging(other.linesOf, uniquingKeysWith: +) : [:]
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
