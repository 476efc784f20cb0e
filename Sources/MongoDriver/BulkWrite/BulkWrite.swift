import BSON
import CLibMongoC

/// Collects writes to one collection and sends them in as few messages as the server's limits allow.
///
///     let bulk = try client.bulkWrite(to: Namespace("insurance", "policies"))
///     try bulk.insert(document)
///     let result = try bulk.execute()
///
/// The contents of documents are neither validated nor changed: empty, dotted, `$`-prefixed and repeated names pass.
/// Only a document to insert that has no `_id` gets one. Belongs to its client's thread.
public final class BulkWrite {
    public let namespace: Namespace
    /// The number of operations added since the last ``execute()``.
    public private(set) var count = 0
    /// Whether all operations go in one command: if the server refuses it as a whole, nothing was written.
    public var isOneCommand: Bool { batches.count <= 1 }
    /// Roughly the number of bytes that the operations take in memory until they are executed.
    public private(set) var byteCount = 0

    private let client: Client
    private let writeConcern: WriteConcern
    private let bypassDocumentValidation: Bool
    private let limits: ServerLimits
    private var batches: [BulkWriteBatch] = []
    private var refused: [WriteError] = []

    /// The bytes by which an update, including its filter, may exceed the server's limit for a document. Server and
    /// libmongoc use the same number.
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

    /// Sends everything; afterwards the bulk write is empty and can be filled again.
    ///
    /// A refused document (unique index, validator, too large) is not an error: the result lists it by its index, and
    /// all others are written.
    /// - Throws: ``MongoError`` if the outcome is unknown or the failure concerns all operations: a broken connection,
    ///   no primary after a retry, missing rights. Some operations may have been done by then.
    public func execute() throws -> BulkWriteResult {
        var result = BulkWriteResult()
        defer { reset() }
        // Taken from the end and freed as soon as each is done, so that memory shrinks as the work proceeds.
        var waiting = Array(batches.reversed())
        batches = []
        while let batch = waiting.popLast() {
            try batch.execute(into: &result, context: context)
        }
        if !refused.isEmpty { result.writeErrors = (result.writeErrors + refused).sorted { $0.index < $1.index } }
        return result
    }

    var context: MongoError.Context { "writing to \(namespace)" }

    /// Adds one operation to the current batch, or to a new one.
    /// - Parameters:
    ///   - size: the bytes that the operation takes in the message.
    ///   - allowance: the bytes by which `size` may exceed the server's limit for a document.
    ///   - call: the C call; returns false with an error.
    func add(
        _ kind: BulkWriteBatch.Kind, size: Int, allowance: Int = updateAllowance,
        _ call: (OpaquePointer, inout bson_error_t) throws -> Bool
    ) throws {
        guard size <= limits.maxBsonObjectSize + allowance else {
            // The server would refuse it, but libmongoc may already stop at it and drop what it had collected before.
            let text = "it takes \(size) bytes, the server takes at most \(limits.maxBsonObjectSize) a document"
            return refuse(text, code: ServerCode.BSONObjectTooLarge.rawValue)
        }
        try batch(for: kind, size: size).add(size: size, call)
        byteCount += size
        count += 1
    }

    /// Counts an operation without sending it, and reports it as refused.
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
    /// - Parameter bypassDocumentValidation: whether to bypass the collection's validator; the user needs the right to.
    /// - Throws: ``MongoError`` if there is no primary, and for `w: 0`.
    public func bulkWrite(
        to namespace: Namespace, writeConcern: WriteConcern = .majority, bypassDocumentValidation: Bool = false
    ) throws -> BulkWrite {
        try BulkWrite(
            client: self, namespace: namespace, writeConcern: writeConcern,
            bypassDocumentValidation: bypassDocumentValidation)
    }
}
