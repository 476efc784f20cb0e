import BSON
import Testing

@testable import MongoFerry

/// Values between `_id`s, at which a search for documents starts.
@Suite struct IDSpreadTests {
    private static func oid(_ high: UInt64, _ low: UInt32) -> Value { .objectID(ObjectID(high: high, low: low)) }

    @Test(
        arguments: [
            ([.int32(100), .int32(-100), .int32(7)], [.int64(-50), .int64(0), .int64(50)]),
            ([.int64(8), .int32(0)], [.int64(2), .int64(4), .int64(6)]),
            ([.date(4000), .date(0)], [.date(1000), .date(2000), .date(3000)]),
            (
                [.int64(.min), .int64(.max)],
                [.int64(-4_611_686_018_427_387_905), .int64(-2), .int64(4_611_686_018_427_387_901)]
            ),
            // Across the boundary between the two integers that store an ObjectId.
            ([oid(1, 0), oid(2, 0)], [oid(1, 1 << 30), oid(1, 1 << 31), oid(1, 3 << 30)]),
            ([oid(5, 5)], [oid(5, 5), oid(5, 5), oid(5, 5)]),
        ] as [([Value], [Value])])
    func theyLieEvenlyBetweenTheLeastAndTheGreatest(_ ids: [Value], _ points: [Value]) {
        #expect(IDSpread.points(3, between: ids) == points)
    }

    @Test(
        arguments: [
            [], [.string("a"), .string("b")], [.int32(1), .date(1)], [.int32(1), .double(2)], [oid(1, 1), .int32(1)],
            [.null],
        ] as [[Value]])
    func thereAreNoneAmongOtherTypesAndMixedOnes(_ ids: [Value]) {
        #expect(IDSpread.points(3, between: ids) == nil)
    }
}
