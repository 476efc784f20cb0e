import BSON

/// Documents of one reply to a cursor, or some of them, where libmongoc received them.
///
/// Can be handed to other threads, whole or in parts; the bytes live as long as one of them has it.
public struct Batch: Sendable {
    @usableFromInline let reply: CursorReply
    /// Of the reply's array: whole elements.
    @usableFromInline var range: Range<Int>

    init(_ reply: CursorReply) {
        self.reply = reply
        // Behind the array's length, and before its terminator.
        range = 4..<reply.documents.bytes.count - 1
    }

    private init(_ reply: CursorReply, _ range: Range<Int>) {
        self.reply = reply
        self.range = range
    }

    public var isEmpty: Bool { range.isEmpty }

    /// Bytes that the documents take in the reply, a few more than by themselves.
    public var byteCount: Int { range.count }

    /// Calls `body` with each document; its bytes are valid only inside `body`.
    /// - Throws: ``BSONError`` where the server's reply is damaged; what `body` throws.
    // Inlined: calls for each document cost a tenth of an export's processor time.
    @inlinable public func forEach(_ body: (RawDocument) throws -> Void) throws {
        var walker = ElementWalker(reply.documents, from: range.lowerBound)
        while walker.position < range.upperBound, let element = try walker.next() {
            try body(try RawDocument(element.value))
        }
    }

    /// The same documents in parts of at most `bytes`; a larger document is a part by itself.
    /// - Throws: ``BSONError`` where the server's reply is damaged.
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

    /// Takes the first document out; its bytes are valid as long as this batch.
    mutating func popFirst() throws -> RawDocument? {
        guard !range.isEmpty else { return nil }
        var walker = ElementWalker(reply.documents, from: range.lowerBound)
        guard let element = try walker.next() else { return nil }
        range = walker.position..<range.upperBound
        return try RawDocument(element.value)
    }
}

/// What a server answered to a command that opens or reads on a cursor.
///
/// Source: MongoDB manual, `find` and `getMore`, output.
// @unchecked: nobody writes to the reply any more, and letting go of it only frees memory.
@usableFromInline final class CursorReply: @unchecked Sendable {
    /// 0 where the server has nothing more.
    let id: Int64
    /// The cursor's collection, which for an aggregation of a database is none of its own.
    let namespace: Namespace
    /// An array, in the reply's own bytes.
    @usableFromInline let documents: RawDocument
    private let reply: Reply

    /// - Throws: ``MongoError`` where it is none of a cursor.
    init(_ reply: Reply, context: String) throws {
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
