import BSON

/// Some or all documents of one cursor reply, in the memory in which libmongoc received them.
///
/// Can be passed to other threads, whole or in parts; the bytes live as long as any part refers to them.
public struct Batch: Sendable {
    @usableFromInline let reply: CursorReply
    /// The bytes of this batch within the reply's array: whole elements.
    @usableFromInline var range: Range<Int>

    init(_ reply: CursorReply) {
        self.reply = reply
        // After the array's length and before its terminator.
        range = 4..<reply.documents.bytes.count - 1
    }

    private init(_ reply: CursorReply, _ range: Range<Int>) {
        self.reply = reply
        self.range = range
    }

    public var isEmpty: Bool { range.isEmpty }

    /// The number of bytes that the documents take in the reply, slightly more than on their own.
    public var byteCount: Int { range.count }

    /// Calls `body` with each document; its bytes are valid only inside `body`.
    /// - Throws: ``BSONError`` if the server's reply is damaged; whatever `body` throws.
    // Inlined: one call per document took a tenth of an export's CPU time.
    @inlinable public func forEach(_ body: (RawDocument) throws -> Void) throws {
        var walker = ElementWalker(reply.documents, from: range.lowerBound)
        while walker.position < range.upperBound, let element = try walker.next() {
            try body(try RawDocument(element.value))
        }
    }

    /// Splits the batch into parts of at most `bytes` bytes; a larger document becomes a part of its own.
    /// - Throws: ``BSONError`` if the server's reply is damaged.
    public func parts(of bytes: Int) throws -> [Batch] {
        var parts: [Batch] = []
        var walker = ElementWalker(reply.documents, from: range.lowerBound)
        var start = range.lowerBound
        while walker.position < range.upperBound {
            let end = walker.position
            _ = try walker.next()
            if end > start, walker.position - start > bytes {
                parts.append(Batch(reply, start..<end))
                start = end
            }
        }
        if start < range.upperBound { parts.append(Batch(reply, start..<range.upperBound)) }
        return parts
    }

    /// Removes and returns the first document; its bytes are valid as long as this batch.
    mutating func popFirst() throws -> RawDocument? {
        guard !range.isEmpty else { return nil }
        var walker = ElementWalker(reply.documents, from: range.lowerBound)
        guard let element = try walker.next() else { return nil }
        range = walker.position..<range.upperBound
        return try RawDocument(element.value)
    }
}

/// The server's reply to a command that opens a cursor or reads on from one.
///
/// Source: MongoDB manual, `find` and `getMore`, output.
// @unchecked: nobody writes to the reply any more, and releasing it only frees memory.
@usableFromInline final class CursorReply: @unchecked Sendable {
    /// 0 if the server has nothing more.
    let id: Int64
    /// The namespace that the cursor is read by; for an aggregation of a database, it names no real collection.
    let namespace: Namespace
    /// An array, within the reply's own bytes.
    @usableFromInline let documents: RawDocument
    private let reply: Reply

    /// - Throws: ``MongoError`` if the reply has no cursor.
    init(_ reply: Reply, context: MongoError.Context) throws {
        self.reply = reply
        let cursor = try reply.withRaw { $0["cursor"]?.document }
        guard let cursor, let id = cursor["id"]?.integer, let name = cursor["ns"]?.string,
            let (database, collection) = name.cut(at: "."),
            let documents = (cursor["firstBatch"] ?? cursor["nextBatch"])?.document
        else { throw MongoError(driver: "the server's reply has no cursor", context: context) }
        self.id = id
        self.documents = documents
        namespace = Namespace(String(database), String(collection))
    }
}
