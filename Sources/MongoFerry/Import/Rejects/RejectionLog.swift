import Foundation

/// Rows that were not taken, from all threads: the lines of all, what was wrong with the first.
// @unchecked: every access to the state is under the lock.
final class RejectionLog: @unchecked Sendable {
    private let lock = NSLock()
    private var problems: ProblemList

    /// - Parameter limit: so many are kept with their texts.
    init(limit: Int = ProblemList.usualLimit) { problems = ProblemList(limit: limit) }

    func add(_ problem: RowProblem) {
        lock.lock()
        problems.add(problem)
        lock.unlock()
    }

    var count: Int {
        lock.lock()
        defer { lock.unlock() }
        return problems.count
    }

    /// Of the file, in no order.
    var lines: [Int] {
        lock.lock()
        defer { lock.unlock() }
        return problems.lines
    }

    var first: [RowProblem] {
        lock.lock()
        defer { lock.unlock() }
        return problems.sorted()
    }
}

extension Report.Rejection {
    var isOfValidator: Bool { reason.hasPrefix(WriteErrorText.ofValidator) }

    init(_ problem: RowProblem) {
        self.init(collection: problem.collection, line: problem.line, id: problem.id, reason: problem.reason)
    }
}
