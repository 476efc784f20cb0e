import BSON
import Foundation
import Synchronization
import Testing

@testable import MongoFerry

@Suite struct OrderedChunksTests {
    private struct Gone: Error {}

    /// Servers end sessions that are idle for too long, and a reader may wait for hours.
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
        // The lock was released.
        _ = try chunks.enter(collection: 0, bytes: 1)
    }

    /// Chunks of other collections keep waking the thread that waits.
    @Test func itShowsThatAlsoWhereOthersGoOn() throws {
        let chunks = OrderedChunks(parts: [1, 1], isDistant: false, patience: 0.2)
        _ = try chunks.enter(collection: 1, bytes: 3 << 20)
        let isDone = Mutex(false)
        let others = Thread {
            while !isDone.withLock({ $0 }) {
                guard let place = try? chunks.enter(collection: 0, bytes: 1) else { return }
                chunks.fill(place, with: Chunk(rows: ByteBuffer(capacity: 16), count: 1, escaped: 0))
                guard let chunk = try? chunks.next(collection: 0) else { return }
                chunks.finish(chunk, of: 0)
            }
        }
        others.start()
        defer { isDone.withLock { $0 = true } }
        let start = ContinuousClock.now
        var signs = 0
        #expect(throws: Gone.self) {
            try chunks.enter(collection: 1, bytes: 1 << 20) {
                signs += 1
                if signs == 2 { throw Gone() }
            }
        }
        #expect(signs == 2 && ContinuousClock.now - start < .seconds(20))
    }

    /// Otherwise thousands of small collections after a large one would all be held in memory.
    @Test func allCollectionsBehindTheFirstShareTheirRoom() throws {
        let chunks = OrderedChunks(parts: [Int](repeating: 1, count: 2000), isDistant: false, patience: 0.01)
        func entered(_ bytes: Int) throws -> Int {
            var count = 0
            for collection in 1..<2000 {
                do {
                    _ = try chunks.enter(collection: collection, bytes: bytes) { throw Gone() }
                } catch is Gone { break }
                count += 1
            }
            return count
        }
        #expect(try entered(2 << 20) == 4)
        // The readers of the first collection never wait for the others.
        _ = try chunks.enter(collection: 0, bytes: 3 << 20) { Issue.record("there is room") }
        let tiny = OrderedChunks(parts: [Int](repeating: 1, count: 2000), isDistant: false, patience: 0.01)
        var count = 0
        #expect(throws: Gone.self) {
            for collection in 1..<2000 {
                _ = try tiny.enter(collection: collection, bytes: 100) { throw Gone() }
                count += 1
            }
        }
        #expect(count == 32)
    }

    @Test func aCollectionsTurnComesWhenTheWriterHasReachedIt() throws {
        let chunks = OrderedChunks(parts: [1, 1], isDistant: false, patience: 0.01)
        try chunks.waitForTurn(of: 0) { Issue.record("it is the first one's turn") }
        #expect(throws: Gone.self) { try chunks.waitForTurn(of: 1) { throw Gone() } }
        let (hasWaited, isSecond) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            guard (try? chunks.waitForTurn(of: 1) { hasWaited.signal() }) != nil else { return }
            isSecond.signal()
        }
        #expect(hasWaited.wait(timeout: .now() + 60) == .success)
        #expect(isSecond.wait(timeout: .now()) == .timedOut)
        chunks.endPart(collection: 0)
        chunks.endPart(collection: 1)
        #expect(try chunks.next(collection: 0) == nil)
        #expect(try chunks.next(collection: 1) == nil)
        #expect(isSecond.wait(timeout: .now() + 60) == .success)
    }

    /// What a reader waits for, and what makes it come true.
    enum Event: CaseIterable {
        case theWriterHasWritten, rowsAreShorter, itIsItsTurn
    }

    /// Often, and after different times: sometimes the reader waits when it happens, sometimes it is about to.
    @Test(arguments: Event.allCases) func aReaderIsWokenByWhatItWaitsFor(event: Event) throws {
        for _ in 0..<200 {
            let chunks = OrderedChunks(parts: [1, 1], isDistant: false, patience: 3600)
            let collection = event == .theWriterHasWritten ? 0 : 1
            let place = try chunks.enter(collection: collection, bytes: 3 << 20)
            func fill(_ bytes: Int) {
                let rows = chunks.buffer()
                [UInt8](repeating: 0, count: bytes).withUnsafeBytes { rows.append($0) }
                chunks.fill(place, with: Chunk(rows: rows, count: 1, escaped: 0))
            }
            if event == .theWriterHasWritten { fill(3 << 20) }
            let reader = try ThreadAnswer {
                if event == .itIsItsTurn {
                    try chunks.waitForTurn(of: 1)
                } else {
                    _ = try chunks.enter(collection: collection, bytes: 1 << 20)
                }
            }
            for _ in 0..<Int.random(in: 0..<20) { sched_yield() }
            switch event {
            case .theWriterHasWritten: chunks.finish(try #require(try chunks.next(collection: 0)), of: 0)
            case .rowsAreShorter: fill(10)
            case .itIsItsTurn:
                fill(10)
                _ = try chunks.next(collection: 1)
            }
            let outcome = reader.wait(seconds: 60)
            if outcome == nil { chunks.fail() }
            try #require(outcome).get()
        }
    }

    /// Whoever waits is woken by what it waits for: nobody's patience ends here, and whoever was forgotten would wait for
    /// ever.
    @Test func nobodyThatWaitsIsForgotten() throws {
        let (collections, parts, perPart) = (20, 2, 15)
        for _ in 0..<20 {
            let chunks = OrderedChunks(
                parts: [Int](repeating: parts, count: collections), isDistant: false, patience: 3600)
            let queue = BoundedQueue<(place: OrderedChunks.Place, part: Int)>(capacity: 2)
            let todo = PartQueue(Array(0..<collections * parts)) { _ in false }
            let (readers, encoders) = (3, 3)
            let reading = Tally()
            reading.add(readers)
            let read: @Sendable () throws -> Void = {
                while let part = todo.next(takesLarge: true) {
                    for _ in 0..<perPart {
                        let bytes = Int.random(in: 1...2 << 20)
                        let place = try chunks.enter(collection: part / parts, bytes: bytes)
                        #expect(queue.push((place, part)))
                    }
                    chunks.endPart(collection: part / parts)
                }
                if reading.add(-1) == 0 { queue.close() }
            }
            let encode: @Sendable () throws -> Void = {
                while let (place, part) = queue.pop() {
                    let rows = chunks.buffer()
                    // Some take less room than their documents, some more.
                    [UInt8](repeating: 0, count: Int.random(in: 0...100_000)).withUnsafeBytes { rows.append($0) }
                    chunks.fill(place, with: Chunk(rows: rows, count: part, escaped: 0))
                }
            }
            let written = Mutex<[[Int]]>([])
            let write: @Sendable () throws -> Void = {
                for collection in 0..<collections {
                    var came: [Int] = []
                    while let chunk = try chunks.next(collection: collection) {
                        came.append(chunk.count)
                        chunks.finish(chunk, of: collection)
                    }
                    written.withLock { $0.append(came) }
                }
            }
            let work = Array(repeating: read, count: readers) + Array(repeating: encode, count: encoders) + [write]
            let stop: @Sendable () -> Void = {
                chunks.fail()
                queue.close()
            }
            try #require(try Waiting.ends(stop) { try Threads.runAll(work, onFailure: stop) })
            let expected = (0..<collections).map { collection in
                (0..<parts).flatMap { Array(repeating: collection * parts + $0, count: perPart) }
            }
            #expect(written.withLock { $0 }.map { $0.sorted() } == expected)
        }
    }
}
