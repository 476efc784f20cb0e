import BackupFile
import Foundation
import Synchronization

/// One thread's part of a pass over a file. It belongs to that thread until the pass has ended.
protocol BatchWorker: AnyObject, Sendable {
    /// Looks at the rows of a batch, which are gone afterwards.
    func look(at batch: RecordBatch) throws
    /// Does what is to be done with what was kept of a batch, when the batch's own room is free again.
    func finishBatch() throws
    /// Comes after the last batch.
    func finish() throws
}

extension BatchWorker {
    func finishBatch() throws {}
    func finish() throws {}
}

/// Looks at some rows of a file with several threads.
enum BatchPass {
    /// Bytes of rows that the workers have at once.
    private static let byteLimit = 24 << 20
    /// Bytes of rows whose documents the workers may keep when the rows themselves are gone: two of the largest that
    /// are written as plain text.
    private static let keptLimit = 44 << 20

    /// Reads batches from where `reader` stands and hands each to one of the workers.
    ///
    /// The reader runs on a thread of its own; the calling one waits. A worker sees its batches in the order of the file,
    /// but not all of them.
    /// - Parameters:
    ///   - until: ends before the row that starts there, in decompressed bytes; nil for the end of the file.
    ///   - workers: one a thread.
    ///   - readsHugeAhead: reads a huge row while the one before is looked at.
    ///   - keepsDocuments: whether a huge document may be kept while the row of another is read; else that waits until
    ///     ``BatchWorker/finishBatch()`` has ended.
    ///   - endsAtDamage: ends where the file is damaged, when all that comes before has been looked at.
    ///   - progress: called on the workers' threads, when a batch has been looked at.
    /// - Returns: the damage at which it ended.
    /// - Throws: the first error of reader or workers; `CancellationError`.
    @discardableResult
    static func run(
        _ reader: BackupReader, until end: Int? = nil, workers: [some BatchWorker], cancellation: Cancellation,
        readsHugeAhead: Bool = false, keepsDocuments: Bool = false, endsAtDamage: Bool = false,
        progress: @escaping @Sendable (RecordBatch) -> Void = { _ in }
    ) throws -> BackupError? {
        let full = BoundedQueue<RecordBatch>(capacity: 2)
        let spare = BoundedQueue<RecordBatch>(capacity: workers.count + 4)
        for _ in 0..<workers.count + 3 { _ = spare.push(RecordBatch()) }
        let failure = Cancellation()
        let budget = ByteBudget(byteLimit)
        let kept = ByteBudget(keptLimit)
        let bodies = workers.map { worker in
            { @Sendable in
                while let batch = full.pop() {
                    let size = batch.byteCount
                    if keepsDocuments, !kept.take(size) { break }
                    try failure.check()
                    try worker.look(at: batch)
                    progress(batch)
                    batch.clear()
                    if keepsDocuments { budget.give(back: size) }
                    try worker.finishBatch()
                    (keepsDocuments ? kept : budget).give(back: size)
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
                guard budget.take(batch.byteCount), full.push(batch) else { break }
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

    /// Takes the reader to the thread that feeds the others.
    // @unchecked: while the pass runs only that thread touches the reader; the caller waits for it.
    private struct ReaderTurn: @unchecked Sendable {
        let reader: BackupReader
        init(_ reader: BackupReader) { self.reader = reader }
    }
}
