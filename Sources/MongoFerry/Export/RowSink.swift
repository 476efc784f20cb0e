import BackupFile
import Foundation

/// Takes the chunks in order and writes them.
// @unchecked: runs on one thread; its results are read after that thread has ended.
final class RowSink: @unchecked Sendable {
    private let writer: BackupWriter
    private let chunks: OrderedChunks
    private let collections: [BackupMetadata.Collection]
    private let operation: OperationContext
    private let flush = EarlyFlush()
    private(set) var outcomes: [CollectionOutcome] = []
    private(set) var escaped = 0

    init(
        writer: BackupWriter, chunks: OrderedChunks, collections: [BackupMetadata.Collection],
        operation: OperationContext
    ) {
        self.writer = writer
        self.chunks = chunks
        self.collections = collections
        self.operation = operation
    }

    /// Keeps the disk busy with what has been written, on a thread of its own, until ``run()`` or ``stop()`` has ended it.
    /// - Throws: ``FileError`` where the disk has not taken something.
    func flushEarly() throws {
        guard let file = writer.file else { return }
        try flush.run(EarlyFlush.Steps(writeBack: file.writeBack, flush: file.synchronizeData))
    }

    /// The operation has failed.
    func stop() { flush.end() }

    func run() throws {
        defer { flush.end() }
        for (index, collection) in collections.enumerated() {
            let watch = Stopwatch()
            var outcome = CollectionOutcome(name: collection.name)
            var bytes = 0
            while let chunk = try chunks.next(collection: index) {
                try writer.write(rows: chunk.rows.bytes)
                flush.advance(to: writer.written)
                outcome.read += chunk.count
                escaped += chunk.escaped
                bytes += chunk.rows.count
                chunks.finish(chunk, of: index)
                operation.progress(
                    .read, collection.name, records: outcome.read, total: max(collection.records, outcome.read),
                    bytes: bytes)
            }
            outcome.seconds = watch.seconds
            outcomes.append(outcome)
        }
    }
}
