import BackupFile
import Foundation
import MongoDriver
import Synchronization

/// One thread's part of a pass over a file. Only that thread uses it until the pass has ended.
protocol BatchWorker: AnyObject, Sendable {
    /// Looks at the rows of a batch, which are valid only during the call.
    func look(at batch: RecordBatch) throws
    /// Processes what was kept of a batch, after the batch's own memory was released.
    func finishBatch() throws
    /// Called after the last batch.
    func finish() throws
}

extension BatchWorker {
    func finishBatch() throws {}
    func finish() throws {}
}

/// Passes rows of a file to several threads.
enum BatchPass {
    /// The most bytes of rows, and of the documents of huge rows, that the workers hold at once.
    private static let byteLimit = 34 << 20
    /// The most bytes of rows whose documents the workers may keep after the rows themselves are released: two of the
    /// largest that are written as plain text.
    private static let keptLimit = 44 << 20

    /// Reads batches from the reader's position and hands each to one of the workers.
    ///
    /// The reader runs on a thread of its own while the calling one waits. Each worker gets its batches in the order of
    /// the file, but not all of them.
    /// - Parameters:
    ///   - until: the position, in decompressed bytes, of the row before which to stop; nil for the end of the file.
    ///   - workers: one per thread.
    ///   - readsHugeAhead: whether to read a huge row while a worker looks at the one before.
    ///   - keepsDocuments: whether a huge document may be kept while the next row is read; otherwise, reading waits
    ///     until ``BatchWorker/finishBatch()`` has ended.
    ///   - endsAtDamage: whether to stop where the file is damaged, after everything before was looked at.
    ///   - progress: called on the workers' threads after each batch.
    /// - Returns: the damage at which it stopped.
    /// - Throws: the first error of the reader or the workers; `CancellationError`.
    @discardableResult
    static func run(
        _ reader: BackupReader, until end: Int? = nil, workers: [some BatchWorker], cancellation: Cancellation,
        readsHugeAhead: Bool = false, keepsDocuments: Bool = false, endsAtDamage: Bool = false,
        progress: @escaping @Sendable (RecordBatch) -> Void = { _ in }
    ) throws -> BackupError? {
        let full = BoundedQueue<Filled>(capacity: 2)
        let spare = BoundedQueue<RecordBatch>(capacity: workers.count + 4)
        for _ in 0..<workers.count + 3 { _ = spare.push(RecordBatch()) }
        let failure = Cancellation()
        let budget = ByteBudget(byteLimit)
        let kept = ByteBudget(keptLimit)
        let bodies = workers.map { worker in
            { @Sendable in
                while let filled = full.pop() {
                    let batch = filled.batch
                    if keepsDocuments, !kept.take(filled.keptSize) { break }
                    try failure.check()
                    try worker.look(at: batch)
                    progress(batch)
                    batch.clear()
                    if keepsDocuments { budget.give(back: filled.size) }
                    try worker.finishBatch()
                    if keepsDocuments { kept.give(back: filled.keptSize) } else { budget.give(back: filled.size) }
                    _ = spare.push(batch)
                }
                try failure.check()
                try worker.finish()
            }
        }
        let reading = ReaderTurn(reader)
        let damage = Mutex<BackupError?>(nil)
        let feed: @Sendable () throws -> Void = {
            defer { full.close() }
            while !failure.isCancelled, let batch = spare.pop() {
                try cancellation.check()
                guard readsHugeAhead || budget.waitForRoom() else { break }
                if keepsDocuments, !kept.waitForRoom() { break }
                do {
                    guard try reading.reader.nextBatch(into: batch, until: end) else { break }
                } catch let error as BackupError where endsAtDamage && error.isAboutContent {
                    damage.withLock { $0 = error }
                    break
                }
                let filled = Filled(batch)
                guard budget.take(filled.size), full.push(filled) else { break }
            }
        }
        try Threads.runAll(bodies + [feed]) {
            failure.cancel()
            budget.close()
            kept.close()
            full.close()
            spare.close()
        }
        return damage.withLock { $0 }
    }

    /// A batch on its way to a worker.
    private struct Filled: Sendable {
        let batch: RecordBatch
        /// The bytes of its rows, and of the documents of huge rows, while a worker looks at it.
        let size: Int
        /// The bytes of its documents after the rows are released.
        let keptSize: Int

        init(_ batch: RecordBatch) {
            self.batch = batch
            let documents = batch.bytesOfHugeDocuments(atMost: ServerInfo.usualMaximumStoredDocument)
            size = batch.byteCount + documents
            keptSize = max(batch.byteCount, documents)
        }
    }

    /// Passes the reader to the thread that feeds the workers.
    // @unchecked: while the pass runs, only that thread uses the reader; the caller waits for it.
    private struct ReaderTurn: @unchecked Sendable {
        let reader: BackupReader
        init(_ reader: BackupReader) { self.reader = reader }
    }
}
