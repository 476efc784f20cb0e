import BackupFile
import Foundation
import MongoDriver
import Synchronization

/// One thread's part of a pass over a file. Only that thread uses it until the pass has ended.
protocol BatchWorker: AnyObject, SendableMetatype {
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

/// When a pass may read the next row where rows are huge.
enum BatchPace: Sendable {
    /// After a worker has finished the one before, and what it kept of it.
    case afterTheLast
    /// While a worker looks at the one before.
    case ahead
    /// After a worker has looked at the one before, whose document it may keep meanwhile.
    case whileDocumentsAreKept
}

/// Passes rows of a file to several threads.
///
/// The reader runs on a thread of its own while the calling one waits. Each worker gets its batches in the order of the
/// file, but not all of them.
final class BatchPass<Worker: BatchWorker>: Sendable {
    private let pace: BatchPace
    private let endsAtDamage: Bool
    private let cancellation: Cancellation
    private let progress: @Sendable (RecordBatch) -> Void
    private let full = BoundedQueue<Filled>(capacity: 2)
    private let spare: BoundedQueue<RecordBatch>
    /// Set when a thread has failed.
    private let failure = Cancellation()
    /// Rows, and the documents of huge rows, that the workers hold at once.
    private let held = ByteBudget(34 << 20)
    /// Documents that the workers may keep after the rows themselves are released: two of the largest that are written
    /// as plain text.
    private let kept = ByteBudget(44 << 20)
    private let damage = Mutex<BackupError?>(nil)

    private init(
        workers: Int, pace: BatchPace, endsAtDamage: Bool, cancellation: Cancellation,
        progress: @escaping @Sendable (RecordBatch) -> Void
    ) {
        self.pace = pace
        self.endsAtDamage = endsAtDamage
        self.cancellation = cancellation
        self.progress = progress
        spare = BoundedQueue(capacity: workers + 4)
        for _ in 0..<workers + 3 { _ = spare.push(RecordBatch()) }
    }

    /// Reads batches from the reader's position and hands each to one of the workers.
    /// - Parameters:
    ///   - until: the position, in decompressed bytes, of the row before which to stop; nil for the end of the file.
    ///   - workers: one per thread.
    ///   - endsAtDamage: whether to stop where the file is damaged, after everything before was looked at.
    ///   - progress: called on the workers' threads after each batch.
    /// - Returns: the damage at which it stopped.
    /// - Throws: the first error of the reader or the workers; `CancellationError`.
    @discardableResult
    static func run(
        _ reader: BackupReader, until end: Int? = nil, workers: [Worker], cancellation: Cancellation,
        pace: BatchPace = .afterTheLast, endsAtDamage: Bool = false,
        progress: @escaping @Sendable (RecordBatch) -> Void = { _ in }
    ) throws -> BackupError? {
        let pass = BatchPass(
            workers: workers.count, pace: pace, endsAtDamage: endsAtDamage, cancellation: cancellation,
            progress: progress)
        let bodies = workers.map(Lent.init).map { worker in { @Sendable in try pass.pass(batchesTo: worker.value) } }
        let reader = Lent(reader)
        try Threads.runAll(
            bodies + [{ @Sendable in try pass.fill(from: reader.value, until: end) }], onFailure: pass.stop)
        return pass.damage.withLock { $0 }
    }

    private func pass(batchesTo worker: Worker) throws {
        let keepsDocuments = pace == .whileDocumentsAreKept
        while let filled = full.pop() {
            let batch = filled.batch
            if keepsDocuments, !kept.take(filled.keptSize) { break }
            try failure.check()
            try worker.look(at: batch)
            progress(batch)
            batch.clear()
            if keepsDocuments { held.give(back: filled.size) }
            try worker.finishBatch()
            if keepsDocuments { kept.give(back: filled.keptSize) } else { held.give(back: filled.size) }
            _ = spare.push(batch)
        }
        try failure.check()
        try worker.finish()
    }

    private func fill(from reader: BackupReader, until end: Int?) throws {
        defer { full.close() }
        while !failure.isCancelled, let batch = spare.pop() {
            try cancellation.check()
            guard waitForRoom() else { break }
            do {
                guard try reader.nextBatch(into: batch, until: end) else { break }
            } catch let error as BackupError where endsAtDamage && error.isAboutContent {
                damage.withLock { $0 = error }
                break
            }
            let filled = Filled(batch)
            guard held.take(filled.size), full.push(filled) else { break }
        }
    }

    /// - Returns: false if a thread has failed.
    private func waitForRoom() -> Bool {
        switch pace {
        case .afterTheLast: held.waitForRoom()
        case .ahead: true
        case .whileDocumentsAreKept: held.waitForRoom() && kept.waitForRoom()
        }
    }

    /// A thread has failed: the others wait for nothing any more.
    private func stop() {
        failure.cancel()
        held.close()
        kept.close()
        full.close()
        spare.close()
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

    /// The reader or a worker, lent to a thread for the duration of the pass.
    // @unchecked: while the pass runs, only that thread uses it; the caller waits.
    private struct Lent<Value>: @unchecked Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }
}
