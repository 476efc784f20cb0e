import BSON
import Testing

@testable import MongoFerry

@Suite struct MajorityWatchTests {
    @Test func aMajorityThatStaysBehindIsToldOnceAndThatItIsBack() {
        let began = ContinuousClock.now
        var watch = MajorityWatch(began)
        func look(_ seconds: Int, own: UInt32, majority: UInt32) -> MajorityWatch.News? {
            watch.look(
                own: Timestamp(seconds: own, increment: 1), majority: Timestamp(seconds: majority, increment: 1),
                began + .seconds(seconds))
        }
        #expect(look(5, own: 100, majority: 100) == nil)
        #expect(look(10, own: 105, majority: 100) == nil)
        #expect(look(24, own: 110, majority: 100) == nil)
        #expect(look(25, own: 125, majority: 100) == .isMissing)
        #expect(look(60, own: 160, majority: 100) == nil)
        #expect(look(65, own: 165, majority: 165) == .isBack)
        #expect(look(70, own: 170, majority: 165) == nil)
    }

    /// A set whose other members are slow is no set without a majority.
    @Test func aMajorityThatFollowsSlowlyIsNotTold() {
        let began = ContinuousClock.now
        var watch = MajorityWatch(began)
        for second in stride(from: 0, to: 200, by: 5) {
            let own = Timestamp(seconds: UInt32(1000 + second), increment: 1)
            let majority = Timestamp(seconds: UInt32(900 + second), increment: 1)
            #expect(watch.look(own: own, majority: majority, began + .seconds(second)) == nil)
        }
    }
}
