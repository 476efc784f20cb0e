import Testing

@testable import MongoFerry

@Suite struct PartQueueTests {
    @Test func whoTakesNoLargePartsLeavesThemInTheirPlaces() {
        let queue = PartQueue(["A", "b", "C", "d", "e", "F"]) { $0 == $0.uppercased() }
        let takesLarge = [false, true, true, false, false, false, true, true]
        #expect(takesLarge.map { queue.next(takesLarge: $0) } == ["b", "A", "C", "d", "e", nil, "F", nil])
    }
}
