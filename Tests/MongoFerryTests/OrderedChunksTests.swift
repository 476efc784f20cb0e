import Foundation
import Synchronization
import Testing

@testable import MongoFerry

@Suite struct OrderedChunksTests {
    private struct Gone: Error {}

    /// Servers forget sessions that are not heard of, and a reader may wait for hours.
    @Test func whoeverWaitsForRoomShowsNowAndThenThatItIsThere() throws {
        let chunks = OrderedChunks(parts: [1, 1], isDistant: false, patience: 0.01)
        _ = try chunks.enter(collection: 1, bytes: 3 << 20) { Issue.record("there is room") }
        var signs = 0
        #expect(throws: Gone.self) {
            try chunks.enter(collection: 1, bytes: 1 << 20) {
                signs += 1
                if signs == 3 { throw Gone() }
            }
        }
        #expect(signs == 3)
        // The lock was given back.
        _ = try chunks.enter(collection: 0, bytes: 1)
    }

    @Test func aCollectionsTurnComesWhenTheWriterHasReachedIt() throws {
        let chunks = OrderedChunks(parts: [1, 1], isDistant: false)
        try chunks.waitForTurn(of: 0)
        let isSecond = Mutex(false)
        let waiting = Thread {
            _ = try? chunks.waitForTurn(of: 1)
            isSecond.withLock { $0 = true }
        }
        waiting.start()
        Thread.sleep(forTimeInterval: 0.1)
        #expect(!isSecond.withLock { $0 })
        chunks.endPart(collection: 0)
        chunks.endPart(collection: 1)
        #expect(try chunks.next(collection: 0) == nil)
        #expect(try chunks.next(collection: 1) == nil)
        for _ in 0..<1000 where !waiting.isFinished { Thread.sleep(forTimeInterval: 0.01) }
        #expect(isSecond.withLock { $0 })
    }
}
