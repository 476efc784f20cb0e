import BSON

/// A query's results, read batch by batch or document by document.
///
/// Belongs to the thread that reads it. Keeps its session and its client out of the pool as long as it lives. Callers
/// that may stop before the end must ``close()`` it; otherwise the server keeps it open for ten minutes.
public final class Cursor {
    private let client: Client
    /// Every batch must be requested as the first one was: from the same server, under the same session.
    private let options: CommandOptions
    private let readPreference: ReadPreference
    private let batchSize: Int?
    private let context: MongoError.Context
    private let namespace: Namespace
    /// 0 if the server has nothing more.
    private var id: Int64
    /// Documents that were received but not yet taken.
    private var received: Batch?

    /// - Parameters:
    ///   - options: the options of the command that opened the cursor.
    ///   - reply: the reply to that command.
    init(
        client: Client, options: CommandOptions, readPreference: ReadPreference, batchSize: Int?,
        context: MongoError.Context,
        reply: Reply
    ) throws {
        self.client = client
        self.options = options
        self.readPreference = readPreference
        self.batchSize = batchSize
        self.context = context
        let first = try CursorReply(reply, context: context)
        namespace = first.namespace
        id = first.id
        received = Batch(first)
    }

    /// Returns the next documents, as many as the server sends at once; nil at the end.
    ///
    /// If another thread works on the batch, this one can fetch the next meanwhile.
    /// - Throws: ``MongoError`` naming the namespace if the server refuses or the connection breaks.
    public func nextBatch() throws -> Batch? {
        while true {
            // Released before more is requested: a batch may take 16 MB.
            let batch = received
            received = nil
            if let batch, !batch.isEmpty { return batch }
            guard id != 0 else { return nil }
            received = try readOn()
        }
    }

    /// Calls `body` with the next document; returns false at the end.
    ///
    /// The bytes belong to libmongoc and are valid only inside `body`: copy whatever must live longer.
    /// - Throws: like ``nextBatch()``; ``BSONError`` if a reply is damaged; whatever `body` throws.
    public func next(_ body: (RawDocument) throws -> Void) throws -> Bool {
        guard var batch = try nextBatch(), let document = try batch.popFirst() else { return false }
        received = batch
        try body(document)
        return true
    }

    /// Calls `body` with every remaining document, then closes the cursor. If `body` throws, the rest is lost.
    /// - Throws: like ``next(_:)``.
    public func forEach(_ body: (RawDocument) throws -> Void) throws {
        defer { close() }
        while let batch = try nextBatch() { try batch.forEach(body) }
    }

    /// Keeps the cursor alive: the server closes it after its session was unused for half an hour.
    ///
    /// Source: MongoDB manual, `localLogicalSessionTimeoutMinutes`.
    /// - Throws: ``MongoError``.
    public func keepAlive() throws {
        guard id != 0 else { return }
        _ = try client.runForReply(["ping": 1], on: namespace.database, options, readPreference)
    }

    /// Closes the cursor, also on the server, which takes a round trip if documents are left. Reading on finds the end.
    public func close() {
        received = nil
        guard id != 0 else { return }
        let command: Document = ["killCursors": .string(namespace.collection), "cursors": [.int64(id)]]
        id = 0
        // If this fails, the server closes the cursor itself after ten minutes, and nobody waits for that.
        _ = try? client.runForReply(command, on: namespace.database, options, readPreference)
    }

    private func readOn() throws -> Batch {
        let command = Document {
            $0.append("getMore", .int64(id))
            $0.append("collection", .string(namespace.collection))
            if let batchSize { $0.append("batchSize", .int64(Int64(batchSize))) }
        }
        do {
            let reply = try CursorReply(
                try client.runForReply(command, on: namespace.database, options, readPreference), context: context)
            id = reply.id
            return Batch(reply)
        } catch var error as MongoError {
            // Over a broken connection the cursor cannot be closed either, and waiting for another would delay the
            // error.
            if error.isNetworkError { id = 0 }
            error.context = context
            throw error
        }
    }
}
