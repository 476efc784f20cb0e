import Foundation
@testable import MongoFerry
import Testing

@Suite struct JobsTests {
    /// So many threads that a sum of them overflows must not be begun with.
    @Test(arguments: [(-1, 1), (0, 1), (3, 3), (256, 256), (257, 256), (1 << 62, 256)])
    func asManyThreadsAsAreWantedWithinReason(wanted: Int, used: Int) {
        #expect(Threads.jobs(wanted) == used)
    }

    @Test func withoutAWishTheBestNumberIsTaken() { #expect(Threads.jobs(nil) == Threads.defaultJobs) }

    @Test(arguments: [(1, 1), (3, 3), (8, 8), (100, 8), (0, 1)])
    func compressorsAreAsManyAsSomebodyWantsUpToEight(wanted: Int, used: Int) {
        #expect(Threads.compressors(wanted) == used)
    }

    @Test func withoutAWishEachCoreCompressesUpToEight() {
        #expect(Threads.compressors(nil) == min(8, ProcessInfo.processInfo.activeProcessorCount))
    }
}
