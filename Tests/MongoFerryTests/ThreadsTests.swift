import Foundation
import Synchronization
import Testing

@testable import MongoFerry

@Suite struct ThreadsTests {
    @Test func aThreadThatTheSystemDoesNotMakeIsAnError() {
        let error = #expect(throws: FerryError.self) {
            try SystemThread.start(stackSize: 1 << 50) { Issue.record("it runs") }
        }
        #expect(error?.text.hasPrefix("cannot start a thread: ") == true)
        #expect(error?.advice.contains { $0.contains("--jobs") } == true)
    }

    @Test func whereThereAreTooFewThreadsThoseThatWereStartedAreStoppedAndWaitedFor() {
        struct NoMore: Error {}
        let isStopped = Cancellation()
        let ended = Atomic<Int>(0)
        let started = Mutex<Int>(0)
        let waiting = { @Sendable in
            while !isStopped.isCancelled { Thread.sleep(forTimeInterval: 0.001) }
            ended.add(1, ordering: .relaxed)
            // This error comes after the one that stopped the thread, so it is not the one thrown.
            throw CancellationError()
        }
        #expect(throws: NoMore.self) {
            try Threads.runAll(Array(repeating: waiting, count: 5)) {
                isStopped.cancel()
            } start: { body in
                guard
                    started.withLock({
                        $0 += 1; return $0
                    }) <= 2
                else { throw NoMore() }
                try SystemThread.start(body)
            }
        }
        #expect(ended.load(ordering: .relaxed) == 2)
        #expect(started.withLock { $0 } == 3, "no other is tried")
    }

    @Test func workThatIsSharedIsDoneOnce() {
        let done = Mutex<[Int]>([])
        Threads.share(1000) { part in done.withLock { $0.append(part) } }
        #expect(done.withLock { $0 }.sorted() == Array(0..<1000))
    }

    @Test func whoeverWantsToStopDoesNotWaitForWhatCannotBeStopped() throws {
        let cancellation = Cancellation()
        let isOver = Mutex(false)
        #expect(throws: CancellationError.self) {
            try Threads.run(leavingOn: cancellation) {
                cancellation.cancel()
                while !isOver.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.001) }
            }
        }
        isOver.withLock { $0 = true }
        #expect(try Threads.run(leavingOn: Cancellation()) { 7 } == 7)
    }
}
