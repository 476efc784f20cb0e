import BSON
import CLibMongoC

/// Writes to one collection, collected and then sent in as few messages as the server's limits allow.
///
///     let bulk = try client.bulkWrite(to: Namespace("insurance", "policies"))
///     try bulk.insert(document)
///     let result = try bulk.execute()
///
/// Nothing in a document is checked or changed on the way: empty, dotted and `$` names and repeated ones pass. Only a
/// document to insert that has no `_id` gets one. Belongs to its client's thread.
public final class BulkWrite {
    public let namespace: Namespace
    /// How many operations were added since the last ``execute()``.
    public private(set) var count = 0
    /// Whether they are sent together: then nothing of them was written where the server refuses the whole.
    public var isOneCommand: Bool { batches.count <= 1 }
    /// How many bytes they take in memory, roughly, until they are executed.
    public private(set) var byteCount = 0

    private let client: Client
    private let writeConcern: WriteConcern
    private let bypassDocumentValidation: Bool
    private let limits: ServerLimits
    private var batches: [BulkWriteBatch] = []
    private var refused: [WriteError] = []

    /// What an update may have above the server's limit for a document, which with its filter must fit into it; the
    /// server's number, and libmongoc's.
    private static let updateAllowance = 16_384

    init(
        client: Client, namespace: Namespace, writeConcern: WriteConcern, bypassDocumentValidation: Bool
    ) throws {
        try namespace.validate()
        try writeConcern.requireAcknowledged("writing to \(namespace)")
        self.client = client
        self.namespace = namespace
        self.writeConcern = writeConcern
        self.bypassDocumentValidation = bypassDocumentValidation
        limits = try client.limitsForWrites("writing to \(namespace)")
    }

    /// Sends everything; then it is empty and can be filled again.
    ///
    /// A refused document (unique index, validator, too large) is not an error: it is in the result, by its index, and all
    /// the others are written.
    /// - Throws: ``MongoError`` where the outcome is unknown or concerns all: a broken connection, no primary after a
    ///   retry, missing rights. Some may have been written then.
    public func execute() throws -> BulkWriteResult {
        var result = BulkWriteResult()
        defer { reset() }
        // Taken from the end, each is freed when it is done: the memory goes down with the work.
        var waiting = Array(batches.reversed())
        batches = []
        while let batch = waiting.popLast() {
            try batch.execute(into: &result, context: context)
        }
        if !refused.isEmpty { result.writeErrors = (result.writeErrors + refused).sorted { $0.index < $1.index } }
        return result
    }

    var context: String { "writing to \(namespace)" }

    /// Adds one operation to the batch that is being filled, or to a new one.
    /// - Parameters:
    ///   - size: what it takes in the message.
    ///   - allowance: what that may be above the server's limit for a document.
    ///   - call: the C call; returns false with an error.
    func add(
        _ kind: BulkWriteBatch.Kind, size: Int, allowance: Int = updateAllowance,
        _ call: (OpaquePointer, inout bson_error_t) throws -> Bool
    ) throws {
        guard size <= limits.maxBsonObjectSize + allowance else {
            // The server would refuse it, and before it has the chance libmongoc may stop at it and drop what it had
            // collected until then.
            let text = "it takes \(size) bytes, the server takes at most \(limits.maxBsonObjectSize) a document"
            return refuse(text, code: ServerCode.bsonObjectTooLarge)
        }
        try batch(for: kind, size: size).add(size: size, call)
        byteCount += size
        count += 1
    }

    /// Counts an operation that is not sent, and reports it as refused.
    func refuse(_ reason: String, code: Int = 0) {
        refused.append(WriteError(index: count, code: code, message: reason))
        count += 1
    }

    private func batch(for kind: BulkWriteBatch.Kind, size: Int) throws -> BulkWriteBatch {
        if let last = batches.last, last.kind == kind, last.firstIndex + last.count == count,
            last.hasRoom(for: size, limits: limits)
        {
            return last
        }
        let batch = try BulkWriteBatch(
            kind: kind, firstIndex: count, client: client, namespace: namespace, writeConcern: writeConcern,
            bypassDocumentValidation: bypassDocumentValidation)
        batches.append(batch)
        return batch
    }

    private func reset() {
        batches = []
        refused = []
        count = 0
        byteCount = 0
    }
}

extension Client {
    /// Starts collecting writes to a collection.
    /// - Parameter bypassDocumentValidation: whether the collection's validator is passed by, which needs the right to.
    /// - Throws: ``MongoError`` where there is no primary, and for `w: 0`.
    public func bulkWrite(
        to namespace: Namespace, writeConcern: WriteConcern = .majority, bypassDocumentValidation: Bool = false
    ) throws -> BulkWrite {
        try BulkWrite(
            client: self, namespace: namespace, writeConcern: writeConcern,
            bypassDocumentValidation: bypassDocumentValidation)
    }
}
