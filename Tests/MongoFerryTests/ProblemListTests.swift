import Relations
import Testing

@testable import MongoFerry

@Suite struct ProblemListTests {
    private static func problem(_ line: Int, _ collection: String?) -> RowProblem {
        RowProblem(line: line, collection: collection, reason: "wrong")
    }

    /// There may be hundreds of millions of faulty lines.
    @Test func linesAreKeptOnlyWhileTheyMayBeSetAside() {
        var list = ProblemList(limit: 2, lineLimit: 3)
        for line in 1...3 { list.add(Self.problem(line, "a")) }
        #expect(list.lines.sorted() == [1, 2, 3])
        list.add(Self.problem(4, nil))
        #expect(list.lines.isEmpty && list.count == 4 && list.count(of: "a") == 3)
        #expect(list.inOrder.map(\.line) == [1, 2])
        #expect(list.filter { $0 == "a" }.count == 3)
    }

    @Test func problemsWithoutTextsAreCountedAsTheOthersAre() {
        var list = ProblemList(limit: 2, lineLimit: 3)
        for line in 1...2 { list.add(Self.problem(line, "a")) }
        list.add(untold: 5, of: "a")
        #expect(list.count == 7 && list.count(of: "a") == 7 && list.lines.isEmpty)
        #expect(list.inOrder.map(\.line) == [1, 2])
    }

    @Test func twoThreadsListsTogetherKeepToTheLimit() {
        var (one, other) = (ProblemList(lineLimit: 3), ProblemList(lineLimit: 3))
        one.add(Self.problem(1, "a"))
        other.add(Self.problem(2, "a"))
        one.merge(other)
        #expect(one.lines.sorted() == [1, 2] && one.count(of: "a") == 2)
        other.add(Self.problem(3, "b"))
        one.merge(other)
        #expect(one.lines.isEmpty && one.count == 4 && one.count(of: "b") == 1)
    }
}
