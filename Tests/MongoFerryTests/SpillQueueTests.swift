import BackupFile
import Foundation
import Synchronization
import Testing

@testable import MongoFerry

@Suite struct SpillQueueTests {
    /// Takes nothing before it is opened.
    private final class Gate: ByteSink {
        let path = "gate"
        let taken = Mutex<[UInt8]>([])
        private let isOpen = DispatchSemaphore(value: 0)

        func open() { isOpen.signal() }

        func write(_ bytes: UnsafeRawBufferPointer) {
            isOpen.wait()
            isOpen.signal()
            taken.withLock { $0 += bytes }
        }

        func finish() {}
        func abandon() {}
    }

    /// A temporary file that cannot be written, for whatever reason, is done without.
    @Test(arguments: [NSTemporaryDirectory(), "/nonexistent"])
    func whatIsReadSlowlyComesWholeAndInOrder(directory: String) throws {
        let gate = Gate()
        let queue = try SpillQueue(
            to: gate, cancellation: Cancellation(), memory: 64 << 10, spillingIn: directory)
        let pieces = (0..<100).map { number in (0..<10_007).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) } }
        let isWritten = Mutex(false)
        let writing = Thread {
            for piece in pieces { try? piece.withUnsafeBytes { try queue.write($0) } }
            isWritten.withLock { $0 = true }
        }
        writing.start()
        let canSpill = directory != "/nonexistent"
        for _ in 0..<(canSpill ? 1000 : 30) where !isWritten.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
        // Without the file its writer has to wait for the reader.
        #expect(isWritten.withLock { $0 } == canSpill)
        gate.open()
        for _ in 0..<1000 where !writing.isFinished { Thread.sleep(forTimeInterval: 0.01) }
        try queue.finish()
        #expect(gate.taken.withLock { $0 } == pieces.flatMap(\.self))
    }

    @Test func whoWaitsForTheReaderCanBeStopped() throws {
        let gate = Gate()
        let cancellation = Cancellation()
        let queue = try SpillQueue(to: gate, cancellation: cancellation, memory: 1, spillingIn: "/nonexistent")
        cancellation.cancel()
        #expect(throws: CancellationError.self) {
            for _ in 0..<3 { try [UInt8](repeating: 7, count: 1000).withUnsafeBytes { try queue.write($0) } }
        }
        queue.abandon()
        gate.open()
    }
}
