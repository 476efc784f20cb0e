import ExtendedJSON
import MongoDriver

/// Reads parts, one after the other, and hands their documents to the encoders. Belongs to one thread.
///
/// It does nothing else, so that the server is asked for the next batch as soon as one has come.
struct PartReader {
    let parts: PartQueue<ReadPart>
    let chunks: OrderedChunks
    let encoders: BoundedQueue<RawChunk>
    let operation: OperationContext
    /// Whether others read at the same time. Then nobody asks for more while a huge document is on its way: libmongoc holds
    /// each three times while it comes, and a connection keeps room for one ever after.
    let hasCompany: Bool
    /// Whether a collection is asked for only when it is its turn to be written: it has a snapshot of its own, which should
    /// not grow old while it waits.
    let opensInTurn: Bool
    /// By collection, those that are read from snapshots.
    let watches: [HistoryWatch?]

    /// Reads until there are no parts left.
    /// - Parameter takesLarge: false to leave those that may hold huge documents to others.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(with client: Client, takesLarge: Bool) throws {
        while let part = parts.next(takesLarge: takesLarge) {
            try operation.cancellation.check()
            if opensInTurn { try chunks.waitForTurn(of: part.collection) }
            if hasCompany { try chunks.waitForHuge() }
            let watch = watches[part.collection]
            watch?.begin()
            let cursor = try client.find(part.namespace, part.filter, options: part.options)
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

    /// Stops all who read, encode and write: one of them has failed.
    func stop() {
        chunks.fail()
        encoders.close()
    }

    /// Whether it is a huge document whose row is much larger still: beside that there is no room for another.
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
