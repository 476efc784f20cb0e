@testable import MongoFerry
import Testing

@Suite struct HistoryWatchTests {
    private func warning(
        _ collection: String? = nil, read: Int, of bytes: Int, after seconds: Int
    ) -> String? {
        HistoryWatch.warning(collection, read: read, of: bytes, after: .seconds(seconds), window: .seconds(300))
    }

    @Test(arguments: [(0, 1000, 10), (10, 1000, 3), (1000, 1000, 400), (1200, 1000, 400), (5, 0, 10)])
    func whatEndsInTimeOrHasEndedNeedsNoWarning(read: Int, bytes: Int, seconds: Int) {
        #expect(warning(read: read, of: bytes, after: seconds) == nil)
    }

    @Test func whatTakesLongerThanTheHistoryIsTold() {
        #expect(
            warning(read: 1, of: 1000, after: 3)
                == "at this rate the export takes some 50 minutes, and the server keeps the history of a snapshot for 300 "
                + "seconds: the export may fail then, and leave no file. To be sure raise the server parameter "
                + "minSnapshotHistoryWindowInSeconds; or --consistency collection takes a snapshot for each collection")
    }

    @Test func ofACollectionWithASnapshotOfItsOwnTheAdviceIsAnother() throws {
        let text = try #require(warning("policies", read: 1, of: 4000, after: 3))
        #expect(text.hasPrefix("at this rate reading policies takes some 3 hours, "))
        #expect(text.hasSuffix("; or --consistency none reads without a snapshot"))
    }
}
