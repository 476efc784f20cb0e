import Testing

@testable import MongoFerry

@Suite struct RejectionLogTests {
    /// A server may refuse millions of documents, but the report must stay readable.
    @Test func theLinesOfAllAreKeptAndTheTextsOfTheFirst() {
        let log = RejectionLog()
        for line in (1...5000).reversed() {
            log.add(RowProblem(line: line, collection: "a", id: nil, reason: "refused"))
        }
        #expect(log.count == 5000 && log.lines.sorted() == Array(1...5000))
        #expect(log.kept.map(\.line) == Array(1...1000))
    }
}
