import BSON
import BackupFile
import Foundation
import Synchronization
import Testing

@testable import MongoFerry

@Suite struct EarlyFlushTests {
    private static let megabyte = 1 << 20

    /// Records what a disk was asked to do. `afterEach` can make it slow or make it fail.
    private final class Disk: Sendable {
        enum Step: Equatable {
            case part(Range<Int>)
            case all
        }

        let steps = Mutex<[Step]>([])
        let afterEach: @Sendable (Int) throws -> Void

        init(afterEach: @escaping @Sendable (Int) throws -> Void = { _ in }) { self.afterEach = afterEach }

        var asked: [Step] { steps.withLock { $0 } }

        /// Waits until it was asked for that many steps.
        func wait(for count: Int) throws {
            for _ in 0..<1000 where asked.count < count { Thread.sleep(forTimeInterval: 0.01) }
            try #require(asked.count >= count)
        }

        func take(_ step: Step) throws {
            let count = steps.withLock {
                $0.append(step)
                return $0.count
            }
            try afterEach(count)
        }

        var work: EarlyFlush.Steps {
            EarlyFlush.Steps(writeBack: { try self.take(.part($0)) }, flush: { try self.take(.all) })
        }
    }

    @Test func aFewMegabytesAreFlushedAtOnce() throws {
        let flush = EarlyFlush()
        let disk = Disk { _ in flush.stop() }
        flush.advance(to: 5 * Self.megabyte)
        try flush.run(disk.work)
        #expect(disk.asked == [.all])
    }

    @Test func whatCameMeanwhileIsFlushedNext() throws {
        let flush = EarlyFlush()
        let disk = Disk { count in
            if count == 1 { flush.advance(to: 10 * Self.megabyte) } else { flush.stop() }
        }
        flush.advance(to: 5 * Self.megabyte)
        try flush.run(disk.work)
        #expect(disk.asked == [.all, .all])
    }

    @Test func theLastBitIsFlushedWhenAllIsWritten() throws {
        let flush = EarlyFlush()
        let disk = Disk { count in
            guard count == 1 else { return }
            flush.advance(to: 5 * Self.megabyte)
            flush.complete()
        }
        flush.advance(to: 4 * Self.megabyte)
        try flush.run(disk.work)
        #expect(disk.asked == [.all, .all])
    }

    @Test func whatWasFlushedLastIsNotFlushedAgain() throws {
        let flush = EarlyFlush()
        let disk = Disk { _ in flush.complete() }
        flush.advance(to: 4 * Self.megabyte)
        try flush.run(disk.work)
        #expect(disk.asked == [.all])
    }

    @Test func ofWhatHasFailedNothingIsFlushed() throws {
        let flush = EarlyFlush()
        flush.advance(to: 4 * Self.megabyte)
        flush.stop()
        let disk = Disk()
        try flush.run(disk.work)
        #expect(disk.asked.isEmpty)
    }

    /// Whoever stops the flush waits for one part at most, even if the disk is slow.
    @Test func muchIsHandedOverInParts() throws {
        let flush = EarlyFlush()
        let disk = Disk { if $0 == 2 { flush.stop() } }
        flush.advance(to: 1000 * Self.megabyte)
        try flush.run(disk.work)
        #expect(disk.asked == [.part(0..<8 * Self.megabyte), .part(8 * Self.megabyte..<16 * Self.megabyte)])
    }

    /// Each flush waits for the disk, so the larger the file is, the more must have been added.
    @Test func aLargeFileIsFlushedSeldom() throws {
        let flush = EarlyFlush()
        let disk = Disk()
        flush.advance(to: 320 * Self.megabyte)
        let flushing = try ThreadAnswer { try flush.run(disk.work) }
        defer { flush.stop() }
        try disk.wait(for: 40)
        #expect(disk.asked.last == .all)
        // Slightly less than one thirty-second of the file causes no flush.
        flush.advance(to: 329 * Self.megabyte)
        Thread.sleep(forTimeInterval: 0.1)
        #expect(disk.asked.count == 40)
        flush.advance(to: 331 * Self.megabyte)
        try disk.wait(for: 42)
        flush.stop()
        try #require(flushing.wait(seconds: 10)).get()
        #expect(Array(disk.asked.dropFirst(40)) == [.part(320 * Self.megabyte..<328 * Self.megabyte), .all])
    }

    /// Some network file systems send the whole file with each flush.
    @Test func afterALongFlushTheNextComesWhenTheFileHasDoubled() throws {
        let flush = EarlyFlush(longFlush: .zero)
        // A coarse clock would not notice a flush that takes no time.
        let disk = Disk { _ in Thread.sleep(forTimeInterval: 0.001) }
        flush.advance(to: 5 * Self.megabyte)
        let flushing = try ThreadAnswer { try flush.run(disk.work) }
        defer { flush.stop() }
        try disk.wait(for: 1)
        flush.advance(to: 9 * Self.megabyte)
        Thread.sleep(forTimeInterval: 0.1)
        #expect(disk.asked == [.all])
        flush.advance(to: 10 * Self.megabyte)
        try disk.wait(for: 2)
        flush.stop()
        try #require(flushing.wait(seconds: 10)).get()
        #expect(disk.asked == [.all, .all])
    }

    /// The system reports it only once: the flush at the end would succeed.
    @Test func aWriteThatHasFailedIsThrown() throws {
        struct NoRoom: Error {}
        let flush = EarlyFlush()
        flush.advance(to: 5 * Self.megabyte)
        #expect(throws: NoRoom.self) { try flush.run(Disk { _ in throw NoRoom() }.work) }
    }

    /// Also by a flush that is still under way when everything else is done.
    @Test func aWriteThatFailsLastIsThrown() throws {
        struct NoRoom: Error {}
        let path = NSTemporaryDirectory() + "mongoferry_flush_\(UInt64.random(in: 0 ... .max)).csv"
        let collection = BackupMetadata.Collection(name: "a")
        let writer = try BackupWriter(
            .file(path: path, overwriting: false), compression: .none, plain: true,
            metadata: BackupMetadata(created: nil, program: "", database: "", collections: [collection]))
        defer { writer.abandon() }
        let chunks = OrderedChunks(parts: [1], isDistant: false)
        chunks.fill(
            try chunks.enter(collection: 0, bytes: 1), with: Chunk(rows: ByteBuffer(capacity: 16), count: 1, escaped: 0)
        )
        chunks.endPart(collection: 0)
        let isDone = DispatchSemaphore(value: 0)
        let sink = RowSink(
            writer: writer, chunks: chunks, collections: [collection], operation: OperationContext(),
            steps: EarlyFlush.Steps(writeBack: { _ in }) {
                isDone.wait()
                throw NoRoom()
            })
        let queue = BoundedQueue<RawChunk>(capacity: 1)
        let pipeline = ExportPipeline(
            reader: PartReader(
                parts: PartQueue([]) { _ in false }, chunks: chunks, encoders: queue, operation: OperationContext(),
                hasCompany: false, opensInTurn: false, watches: []),
            encoder: ChunkEncoder(chunks: chunks, queue: queue, names: ["a"], mode: .compact, isBare: true),
            sink: sink)
        #expect(throws: NoRoom.self) {
            try pipeline.flushing(Cancellation()) {
                try sink.run()
                isDone.signal()
            }
        }
    }

    @Test func nothingWrittenEnds() throws {
        let flush = EarlyFlush()
        flush.complete()
        let disk = Disk()
        try flush.run(disk.work)
        #expect(disk.asked.isEmpty)
    }
}
