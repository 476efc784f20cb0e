import Relations

/// What is wrong with a file's rows: the lines of all, the texts of the first.
struct ProblemList: Sendable {
    /// By the collection, as far as its name could be read.
    private var linesOf: [ExactName?: [Int]] = [:]
    private(set) var count = 0
    /// In the order of the file.
    private(set) var kept: [RowProblem] = []
    let limit: Int

    /// As many texts as anybody reads. There may be millions of rows with faults.
    static let usualLimit = 1000

    /// - Parameter limit: so many problems are kept with their texts.
    init(limit: Int = Self.usualLimit) { self.limit = limit }

    /// Of the file, in no order.
    var lines: [Int] { linesOf.values.flatMap(\.self) }

    /// How many rows of each collection, as far as its name could be read.
    var counts: [ExactName: Int] {
        Dictionary(uniqueKeysWithValues: linesOf.compactMap { name, lines in name.map { ($0, lines.count) } })
    }

    /// The same of one.
    func count(of collection: String) -> Int { linesOf[ExactName(collection)]?.count ?? 0 }

    /// Those of some collections; of rows without a name where it says so of nil.
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
