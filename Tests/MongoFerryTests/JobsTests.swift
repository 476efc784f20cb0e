@testable import MongoFerry
import Testing

@Suite struct JobsTests {
    /// A number so large that a sum of such numbers overflows must be limited.
    @Test(arguments: [(-1, 1), (0, 1), (3, 3), (256, 256), (257, 256), (1 << 62, 256)])
    func asManyThreadsAsAreWantedWithinReason(wanted: Int, used: Int) {
        #expect(Threads.jobs(wanted) == used)
    }

    @Test func withoutAWishTheMachineDecides() { #expect((2...4).contains(Threads.jobs(nil))) }

    @Test(arguments: [(1, 1), (3, 3), (8, 8), (100, 8), (0, 1)])
    func compressorsAreAsManyAsSomebodyWantsUpToEight(wanted: Int, used: Int) {
        #expect(Threads.compressors(wanted) == used)
    }

    @Test func withoutAWishOneToEightCompress() { #expect((1...8).contains(Threads.compressors(nil))) }
}
