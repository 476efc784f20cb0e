import BSON
import MongoDriver

/// Takes one collection's documents in batches: to write them, or to count what writing them would do. Belongs to one
/// thread.
protocol DocumentSink: AnyObject {
    var client: Client { get }
    var target: LoadTarget { get }
    var way: WriteWay { get }
    var batch: PendingBatch { get }
    var outcome: CollectionOutcome { get set }
    /// The number of live documents that the file has as well.
    var matched: Int { get set }
    /// Documents that are blocked by others which a merge may change; ``SecondAttempt`` writes them after all others.
    var postponed: [SecondAttempt.Postponed] { get }
    /// Whether an index serves a merge's lookup by other fields than `_id`; nil until it matters.
    var hasKeyIndex: Bool? { get set }

    /// Writes or counts the documents of the batch.
    func takeBatch() throws
}

extension DocumentSink {
    var namespace: Namespace { target.namespace }

    /// Takes a document, and with it the batch if it is large enough. A huge document waits for ``flushIfFull()``, since
    /// its row should not be held meanwhile.
    /// - Parameter buffer: a buffer that contains only this document; that of a huge one is exchanged for an empty one,
    ///   not copied.
    /// - Throws: ``MongoError`` for errors that do not concern single documents.
    func add(_ document: RawDocument, line: Int, from buffer: ByteBuffer? = nil) throws {
        outcome.read += 1
        if batch.byteCount + document.bytes.count > target.limit.bytes { try flush() }
        let isHuge = document.bytes.count >= PendingBatch.hugeBytes
        batch.append(document, line: line, from: buffer)
        if !isHuge { try flushIfFull() }
    }

    /// Takes the batch if it is large enough.
    func flushIfFull() throws {
        let most = way.onlyInserts ? target.limit.insertions : target.limit.lookups
        if batch.byteCount >= target.limit.bytes / 2 || batch.count >= most { try flush() }
    }

    /// Takes the batch.
    func flush() throws {
        guard !batch.isEmpty else { return }
        defer { batch.removeAll() }
        try takeBatch()
    }

    func document(_ index: Int) throws -> RawDocument { try batch[index] }

    func reject(_ index: Int, _ text: String) throws { try reject(index, RefusalReason(text)) }

    func reject(_ index: Int, _ reason: RefusalReason) throws {
        reject(line: batch.line(of: index), id: try document(index)["_id"], reason)
    }

    func reject(line: Int, id: RawElement?, _ reason: RefusalReason) {
        outcome.rejected += 1
        target.rejections.add(
            RowProblem(
                line: line, collection: target.name, id: id.map(IDText.text), reason: reason.text,
                isOfValidator: reason.isOfValidator))
    }
}
