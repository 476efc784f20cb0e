import Synchronization

/// Rows that were not taken, from all threads: the lines of all, and the texts of the first.
final class RejectionLog: Sendable {
    private let problems: Mutex<ProblemList>

    /// - Parameter limit: the number of problems that are kept with their texts.
    init(limit: Int = ProblemList.usualLimit) { problems = Mutex(ProblemList(limit: limit, lineLimit: .max)) }

    func add(_ problem: RowProblem) { problems.withLock { $0.add(problem) } }

    var count: Int { problems.withLock { $0.count } }

    /// Their lines in the file, in no order.
    var lines: [Int] { problems.withLock { $0.lines } }

    /// The problems that are kept with their texts, in the order of the file.
    var kept: [RowProblem] { problems.withLock { $0.inOrder } }
}

extension Report.Rejection {
    init(_ problem: RowProblem) {
        self.init(
            collection: problem.collection, line: problem.line, id: problem.id, reason: problem.reason,
            isOfValidator: problem.isOfValidator)
    }
}
