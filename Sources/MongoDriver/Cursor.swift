import BSON

/// A server's answer to a query, read batch by batch or document by document.
///
/// Belongs to the thread that reads it. Keeps its session and its client out of the pool until it is gone. Whoever may
/// leave it before its end has to ``close()`` it: the server would keep it for ten minutes.
public final class Cursor {
    private let client: Client
    /// Every batch must be asked for as the first one was: of the same server, under the same session.
    private let options: CommandOptions
    private let readPreference: ReadPreference
    private let batchSize: Int?
    private let context: String
    private let namespace: Namespace
    /// 0 where the server has nothing more.
    private var id: Int64
    /// Documents that came and that nobody has taken yet.
    private var received: Batch?

    /// - Parameters:
    ///   - options: those of the command that opened it.
    ///   - reply: the answer to that command.
    init(
        client: Client, options: CommandOptions, readPreference: ReadPreference, batchSize: Int?, context: String,
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

    /// The next documents, as many as the server sends at once; nil at the end.
    ///
    /// Hand them to another thread, and the server is asked for more while that one works on them.
    /// - Throws: ``MongoError`` naming the namespace, when the server refused or the connection broke.
    public func nextBatch() throws -> Batch? {
        while true {
            // Let go of before more is asked for: a batch may take 16 MB.
            let batch = received
            received = nil
            if let batch, !batch.isEmpty { return batch }
            guard id != 0 else { return nil }
            received = try readOn()
        }
    }

    /// Calls `body` with the next document; false at the end.
    ///
    /// The bytes are libmongoc's and valid only inside `body`: copy what must live longer.
    /// - Throws: as ``nextBatch()``; ``BSONError`` where a reply is damaged; what `body` throws.
    public func next(_ body: (RawDocument) throws -> Void) throws -> Bool {
        guard var batch = try nextBatch(), let document = try batch.popFirst() else { return false }
        received = batch
        try body(document)
        return true
    }

    /// Calls `body` with every document that is left, and closes it. Where `body` throws, the rest is lost.
    /// - Throws: as ``next(_:)``.
    public func forEach(_ body: (RawDocument) throws -> Void) throws {
        defer { close() }
        while let batch = try nextBatch() { try batch.forEach(body) }
    }

    /// Tells the server that the cursor is still wanted: it closes one whose session was not heard of for half an hour.
    ///
    /// Source: MongoDB manual, `localLogicalSessionTimeoutMinutes`.
    /// - Throws: ``MongoError``.
    public func keepAlive() throws {
        guard id != 0 else { return }
        _ = try client.runForReply(["ping": 1], on: namespace.database, options, readPreference)
    }

    /// Closes it on the server too, which takes a round trip where documents are left. Reading it again finds the end.
    public func close() {
        received = nil
        guard id != 0 else { return }
        let command: Document = ["killCursors": .string(namespace.collection), "cursors": [.int64(id)]]
        id = 0
        // Where this fails, the server closes it by itself after ten minutes, and nobody waits for that.
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
            // Over a broken connection it can't be closed either, and waiting for another one would hold up the error.
            if error.isNetworkError { id = 0 }
            error.context = context
            throw error
        }
    }
}
