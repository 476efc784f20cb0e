import Testing

@testable import MongoFerry

@Suite struct LineSetTests {
    /// Few lines and many in a block, in whatever order.
    @Test func itHasTheLinesThatWereInsertedAndNotRemoved() {
        var lines = LineSet()
        var expected: Set<Int> = []
        #expect(lines.isEmpty)
        for number in 0..<30_000 {
            let line = number &* 2_654_435_761 % (number % 3 == 0 ? 1 << 40 : 100_000)
            lines.insert(line)
            expected.insert(line)
        }
        for line in expected.sorted().prefix(5000) + expected.sorted().suffix(50) {
            lines.remove(line)
            expected.remove(line)
        }
        #expect(!lines.isEmpty)
        #expect((0..<200_000).allSatisfy { lines.contains($0) == expected.contains($0) })
        #expect(expected.allSatisfy(lines.contains))
    }
}
