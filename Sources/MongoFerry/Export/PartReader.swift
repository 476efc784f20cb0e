import ExtendedJSON
import MongoDriver

/// Reads parts, one after the other, and hands their documents to the encoders. Several threads share one.
///
/// It does nothing else, so that the next batch is requested as soon as one has arrived.
struct PartReader {
    let parts: PartQueue<ReadPart>
    let chunks: OrderedChunks
    let encoders: BoundedQueue<RawChunk>
    let operation: OperationContext
    /// Whether several threads read at the same time. Then none asks for more while a huge document is on its way:
    /// libmongoc holds each three times while it arrives, and a connection keeps the room for one ever after.
    let hasCompany: Bool
    /// Whether a collection's cursors are opened only when it is its turn to be written: it has a snapshot of its own,
    /// which should not age while it waits.
    let opensInTurn: Bool
    /// The watches on the collections' snapshots, by collection.
    let watches: [HistoryWatch?]

    /// Reads until there are no parts left.
    /// - Parameter takesLarge: false to leave parts that may hold huge documents to other threads.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(with client: Client, takesLarge: Bool) throws {
        while let part = parts.next(takesLarge: takesLarge) {
            try operation.cancellation.check()
            if opensInTurn { try chunks.waitForTurn(of: part.collection, operation.cancellation.check) }
            if hasCompany { try chunks.waitForHuge() }
            let watch = watches[part.collection]
            watch?.begin()
            let cursor = try open(part, client)
            defer { cursor.close() }
            while let batch = try cursor.nextBatch() {
                watch?.count(batch.byteCount, client, operation)
                let waitsForHuge = try hasCompany || swells(batch)
                try hand(over: batch, of: part.collection, cursor)
                if waitsForHuge { try chunks.waitForHuge(cursor.keepAlive) }
            }
            chunks.endPart(collection: part.collection)
        }
    }

    /// Opens a part's cursor. If every collection has a snapshot of its own, and the server no longer has the history of
    /// this one, the next is as good: nothing of this one has been read.
    private func open(_ part: ReadPart, _ client: Client) throws -> Cursor {
        func opened() throws -> Cursor { try client.find(part.namespace, part.filter, options: part.options) }
        do {
            return try opened()
        } catch let error as MongoError where error.isSnapshotTooOld && opensInTurn {
            return try opened()
        }
    }

    /// Stops all threads that read, encode and write: one of them has failed.
    func stop() {
        chunks.fail()
        encoders.close()
    }

    /// Whether the batch is a huge document whose row is much larger still: then there is no room for another beside
    /// it.
    private func swells(_ batch: Batch) throws -> Bool {
        guard batch.byteCount > OrderedChunks.hugeBytes else { return false }
        var swells = false
        try batch.forEach { swells = try swells || Swelling.isLikely($0) }
        return swells
    }

    private func hand(over batch: Batch, of collection: Int, _ cursor: Cursor) throws {
        for documents in try batch.parts(of: RawChunk.usualBytes) {
            try operation.cancellation.check()
            let place = try chunks.enter(
                collection: collection, bytes: documents.byteCount, whileWaiting: cursor.keepAlive)
            guard encoders.push(RawChunk(place: place, documents: documents)) else { throw CancellationError() }
        }
    }
}
