import BackupFile
import Foundation

/// Takes the chunks in order and writes them.
// @unchecked: `run` is called on one thread, and its results are read after it has ended. What other threads call uses
// only the flush and the writer's compression, which have locks, and the writer's file and the flush's steps, which
// never change.
final class RowSink: @unchecked Sendable {
    private let writer: BackupWriter
    private let chunks: OrderedChunks
    private let collections: [BackupMetadata.Collection]
    private let operation: OperationContext
    private let flush = EarlyFlush()
    private let steps: EarlyFlush.Steps?
    private(set) var outcomes: [CollectionOutcome] = []
    private(set) var escaped = 0

    /// - Parameter steps: the steps of the early flush; nil for those of the writer's file.
    init(
        writer: BackupWriter, chunks: OrderedChunks, collections: [BackupMetadata.Collection],
        operation: OperationContext, steps: EarlyFlush.Steps? = nil
    ) {
        self.writer = writer
        self.chunks = chunks
        self.collections = collections
        self.operation = operation
        self.steps = steps
    }

    /// Flushes what is written until everything that ``run()`` wrote is on the disk, or until ``stopFlushing()``. Runs
    /// on a thread of its own.
    /// - Throws: ``FileError`` if a flush fails.
    func flushEarly() throws {
        guard let file = writer.file else { return }
        try flush.run(steps ?? EarlyFlush.Steps(writeBack: file.writeBack, flush: file.synchronizeData))
    }

    func stopFlushing() { flush.stop() }

    /// Compresses alongside ``run()``, if the work can be shared, until ``dismissHelpers()``. Runs on threads of its
    /// own.
    func helpToCompress() { writer.helpToCompress() }

    func dismissHelpers() { writer.dismissHelpers() }

    func run() throws {
        for (index, collection) in collections.enumerated() {
            let watch = Stopwatch()
            var outcome = CollectionOutcome(name: collection.name)
            var bytes = 0
            while let chunk = try chunks.next(collection: index) {
                try write(chunk)
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
        try writer.finishRows()
        flush.advance(to: writer.written)
        flush.complete()
    }

    private func write(_ chunk: Chunk) throws {
        var rows = chunk.rows.bytes
        // That is the first of its collection, and the file's if there was none in those before.
        if let marked = chunk.markedFirst, outcomes.allSatisfy({ $0.read == 0 }) {
            try writer.write(rows: marked.row.bytes)
            if marked.isWhole { escaped += 1 }
            rows = UnsafeRawBufferPointer(rebasing: rows[marked.replaced...])
        }
        try writer.write(rows: rows)
    }
}
