import BackupFile
import Foundation
import Synchronization
import Testing

@testable import MongoFerry

@Suite struct SpillQueueTests {
    /// A destination that takes nothing before it is opened.
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

    /// A destination that takes only as many pieces as it is allowed to. Each piece repeats one byte, which is
    /// recorded.
    private final class Turnstile: ByteSink {
        static let pieceBytes = 256 << 10
        let path = "turnstile"
        let taken = Mutex<[UInt8]>([])
        private let permits = DispatchSemaphore(value: 0)
        private let passed = DispatchSemaphore(value: 0)

        static func piece(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: pieceBytes) }

        /// - Returns: whether a piece has come through.
        func letOne() -> Bool {
            permits.signal()
            return passed.wait(timeout: .now() + 10) == .success
        }

        func open() { for _ in 0..<1000 { permits.signal() } }

        func write(_ bytes: UnsafeRawBufferPointer) {
            permits.wait()
            let note = Self.isPiece(bytes) ? bytes[0] : .max
            taken.withLock { $0.append(note) }
            passed.signal()
        }

        private static func isPiece(_ bytes: UnsafeRawBufferPointer) -> Bool {
            guard let start = bytes.baseAddress, bytes.count == pieceBytes else { return false }
            return memcmp(start, start + 1, pieceBytes - 1) == 0
        }

        func finish() {}
        func abandon() {}
    }

    /// Writes pieces on its own thread.
    private final class Writing: Sendable {
        let queue: SpillQueue
        private let count = Mutex(0)
        private let isOver = Mutex(false)

        init(_ pieces: Int, to queue: SpillQueue) {
            self.queue = queue
            Thread.detachNewThread { [self] in
                for number in 0..<pieces {
                    do {
                        try Turnstile.piece(number).withUnsafeBytes { try queue.write($0) }
                    } catch {
                        Issue.record(error)
                        break
                    }
                    count.withLock { $0 += 1 }
                }
                isOver.withLock { $0 = true }
            }
        }

        /// The number of pieces written so far, once it is at least that, or ten seconds have passed.
        func written(waitingFor least: Int) -> Int {
            for _ in 0..<1000 where count.withLock({ $0 }) < least { Thread.sleep(forTimeInterval: 0.01) }
            return count.withLock { $0 }
        }

        /// Waits until every piece has arrived.
        func finish() throws {
            for _ in 0..<3000 where !isOver.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
            try #require(isOver.withLock { $0 })
            try queue.finish()
        }
    }

    #if os(Linux)
        /// Needs a file system that can punch holes in a file.
        @Test func theTemporaryFileTakesNoMoreRoomThanWhatIsStillToBeRead() throws {
            let reader = Turnstile()
            let file = Mutex<OpenFile?>(nil)
            let queue = try SpillQueue(to: reader, cancellation: Cancellation(), memory: 1) { opened in
                file.withLock { $0 = opened }
                return true
            }
            var surplus = 0
            for number in 0..<80 {
                for piece in 2 * number...2 * number + 1 {
                    try Turnstile.piece(piece).withUnsafeBytes { try queue.write($0) }
                }
                try #require(reader.letOne())
                let spill = try #require(file.withLock { $0 })
                let waiting = (number + 1) * Turnstile.pieceBytes
                surplus = max(surplus, Int(try spill.status().st_blocks) * 512 - waiting)
            }
            // Room is released in steps of 4 MB, and perhaps a moment after they were read.
            #expect(surplus < 9 << 20)
            reader.open()
            try queue.finish()
            #expect(reader.taken.withLock { $0 } == (0..<160).map { UInt8($0) })
        }
    #endif

    @Test func aTemporaryFileThatIsReadToItsEndTakesNoRoom() throws {
        let reader = Turnstile()
        let file = Mutex<OpenFile?>(nil)
        let queue = try SpillQueue(to: reader, cancellation: Cancellation(), memory: 1) { opened in
            file.withLock { $0 = opened }
            return true
        }
        for number in 0..<3 { try Turnstile.piece(number).withUnsafeBytes { try queue.write($0) } }
        let spill = try #require(file.withLock { $0 })
        #expect(Int(try spill.status().st_size) == 2 * Turnstile.pieceBytes)
        reader.open()
        // A write that comes after everything has been read empties the file.
        var more = 0
        while try spill.status().st_size > 0, more < 500 {
            Thread.sleep(forTimeInterval: 0.01)
            try Turnstile.piece(3).withUnsafeBytes { try queue.write($0) }
            more += 1
        }
        #expect(more < 500)
        try queue.finish()
        #expect(reader.taken.withLock { $0 } == [0, 1, 2] + [UInt8](repeating: 3, count: more))
    }

    @Test(arguments: [true, false]) func whereThereIsNoRoomTheWriterWaitsForTheReader(comesBack: Bool) throws {
        let reader = Turnstile()
        let looks = Mutex(1)
        let told = Mutex([String]())
        let queue = try SpillQueue(
            to: reader, cancellation: Cancellation(), memory: 1,
            hasRoom: { _ in
                looks.withLock { left in
                    left -= 1
                    return left >= 0
                }
            }, tell: { text in told.withLock { $0.append(text) } })
        let writing = Writing(60, to: queue)
        // One piece is in memory, and 4 MB are in the file; after these, its room is checked again.
        #expect(writing.written(waitingFor: 17) == 17)
        Thread.sleep(forTimeInterval: 0.7)
        #expect(writing.written(waitingFor: 17) == 17)
        if comesBack {
            looks.withLock { $0 = 1000 }
            #expect(writing.written(waitingFor: 60) == 60)
            #expect(reader.taken.withLock { $0 } == [])
        }
        reader.open()
        try writing.finish()
        #expect(reader.taken.withLock { $0 } == (0..<60).map { UInt8($0) })
        #expect(told.withLock { $0.count { $0.contains("takes no more of what waits") } } == 1)
    }

    /// On a disk of 100 GB, one of 4 GB, and a memory file system of half a gigabyte.
    @Test(arguments: [(100.0, 11.0, 9.0), (4, 1.1, 0.9), (0.5, 0.3, 0.2)])
    func aTenthAndAGigabyteAreLeftWhereThereAreSuch(whole: Double, enough: Double, tooLittle: Double) {
        let gigabyte = Double(1 << 30)
        #expect(SpillQueue.leavesRoom(enough * gigabyte, of: whole * gigabyte))
        #expect(!SpillQueue.leavesRoom(tooLittle * gigabyte, of: whole * gigabyte))
    }

    /// For example, the disk may have been full for a while.
    @Test func aTemporaryFileThatCouldNotBeWrittenIsTriedAgain() throws {
        let folder = NSTemporaryDirectory() + "mongoferry_spill_\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let reader = Turnstile()
        let told = Mutex([String]())
        let queue = try SpillQueue(
            to: reader, cancellation: Cancellation(), memory: 1, spillingIn: folder, hasRoom: { _ in true },
            tell: { text in told.withLock { $0.append(text) } })
        let writing = Writing(20, to: queue)
        #expect(writing.written(waitingFor: 1) == 1)
        Thread.sleep(forTimeInterval: 0.2)
        #expect(writing.written(waitingFor: 1) == 1)
        let texts = told.withLock { $0 }
        #expect(texts.count == 1 && texts[0].contains("No such file or directory"), "\(texts)")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        #expect(writing.written(waitingFor: 20) == 20)
        reader.open()
        try writing.finish()
        #expect(reader.taken.withLock { $0 } == (0..<20).map { UInt8($0) })
    }

    private final class FullAtItsEnd: ByteSink {
        let path = "disk"
        func write(_ bytes: UnsafeRawBufferPointer) {}
        func finish() throws { throw POSIXError(.ENOSPC) }
        func abandon() {}
    }

    @Test func whatTheDestinationSaysAtItsEndIsTold() throws {
        let queue = try SpillQueue(to: FullAtItsEnd(), cancellation: Cancellation())
        try [UInt8](repeating: 7, count: 1000).withUnsafeBytes { try queue.write($0) }
        #expect(throws: POSIXError.self) { try queue.finish() }
    }

    /// Records whether the signal of a broken pipe is blocked, so that it cannot end the program.
    private final class SignalWitness: ByteSink {
        let path = "pipe"
        let isHeldBack = Mutex<Bool?>(nil)

        func write(_ bytes: UnsafeRawBufferPointer) {
            var signals = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &signals)
            isHeldBack.withLock { $0 = sigismember(&signals, SIGPIPE) == 1 }
        }

        func finish() {}
        func abandon() {}
    }

    /// A program that uses this library may not handle the signal.
    @Test func aBrokenPipeIsAnErrorAndNoSignal() throws {
        let witness = SignalWitness()
        let queue = try SpillQueue(to: witness, cancellation: Cancellation())
        try [7].withUnsafeBytes { try queue.write($0) }
        try queue.finish()
        #expect(witness.isHeldBack.withLock { $0 } == true)
    }

    /// If the temporary file cannot be written, for whatever reason, the queue works without it.
    @Test(arguments: [NSTemporaryDirectory(), "/nonexistent"])
    func whatIsReadSlowlyComesWholeAndInOrder(directory: String) throws {
        let gate = Gate()
        let queue = try SpillQueue(
            to: gate, cancellation: Cancellation(), memory: 64 << 10, spillingIn: directory, hasRoom: { _ in true })
        let pieces = (0..<100).map { number in (0..<10_007).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) } }
        let isWritten = Mutex(false)
        let writing = Thread {
            for piece in pieces { try? piece.withUnsafeBytes { try queue.write($0) } }
            isWritten.withLock { $0 = true }
        }
        writing.start()
        let canSpill = directory != "/nonexistent"
        for _ in 0..<(canSpill ? 1000 : 30) where !isWritten.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
        // Without the file, the writer has to wait for the reader.
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
