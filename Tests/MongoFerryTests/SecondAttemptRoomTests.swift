import Testing

@testable import MongoFerry

@Suite struct SecondAttemptRoomTests {
    /// Each writer has its own connection, but what all of them keep is written at once.
    @Test func theWritersOfACollectionShareTheRoom() async {
        let room = SecondAttempt.Room()
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { (0..<1000).count { _ in room.take(100) } } }
            return await group.reduce(0, +)
        }
        #expect(taken == 2000 && room.isExceeded)
    }

    @Test func largeDocumentsTakeTheRoomOfMany() {
        let room = SecondAttempt.Room()
        #expect(room.take(10 << 20) && room.take(6 << 20) && !room.isExceeded)
        #expect(!room.take(1) && room.isExceeded)
    }
}
