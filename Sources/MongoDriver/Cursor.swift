import BSON
import CLibMongoC

/// A server's answer to a query, read document by document.
///
/// Belongs to the thread that reads it. Keeps its session and its client out of the pool until it is gone.
public final class Cursor {
    /// The point in time that a snapshot read sees, for other cursors to see the same; nil for any other read.
    public let atClusterTime: Timestamp?

    private let client: Client
    private let session: Session?
    private let context: String
    private var handle: OpaquePointer?

    /// Takes over the reply that opened it.
    init(client: Client, session: Session?, serverID: UInt32, batchSize: Int?, context: String, taking reply: Reply)
        throws
    {
        self.client = client
        self.session = session
        self.context = context
        atClusterTime = try reply.withRaw { $0["cursor"]?.document?["atClusterTime"]?.timestamp }
        // Without its server the next batch would be asked of any.
        let options = CommandOptions(session: session, serverID: serverID, batchSize: batchSize)
        handle = try options.withC { options in
            mongoc_cursor_new_from_command_reply_with_opts(client.handle, reply.surrender(), options)
        }
        guard handle != nil else { throw MongoError(driver: "out of memory", context: context) }
        try throwIfFailed()
    }

    /// Calls `body` with the next document; false at the end.
    ///
    /// The bytes are libmongoc's and valid only inside `body`: copy what must live longer. Must not be called again
    /// after it or `body` threw.
    /// - Throws: ``MongoError`` naming the namespace, when the server refused or the connection broke; what `body`
    ///   throws.
    public func next(_ body: (RawDocument) throws -> Void) throws -> Bool {
        guard let handle else { return false }
        var document: CDocument?
        if mongoc_cursor_next(handle, &document), let document {
            try body(try RawDocument(document))
            return true
        }
        try throwIfFailed()
        if !mongoc_cursor_more(handle) { close() }
        return false
    }

    /// Calls `body` with every document that is left.
    /// - Throws: as ``next(_:)``.
    public func forEach(_ body: (RawDocument) throws -> Void) throws {
        while try next(body) {}
    }

    /// Closes it on the server too, which takes a round trip where documents are left. Reading it again finds the end.
    public func close() {
        if let handle { mongoc_cursor_destroy(handle) }
        handle = nil
    }

    private func throwIfFailed() throws {
        var error = bson_error_t()
        var reply: CDocument?
        guard let handle, mongoc_cursor_error_document(handle, &error, &reply) else { return }
        throw MongoError(error, reply: try reply.map { try Document(copying: $0) }, context: context)
    }

    deinit { close() }
}
