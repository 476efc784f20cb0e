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
    /// How many bytes they take in memory, roughly, until they are executed.
    public private(set) var byteCount = 0

    private let client: Client
    private let ordered: Bool
    private let writeConcern: WriteConcern
    private let bypassDocumentValidation: Bool
    private let limits: ServerLimits
    private var batches: [BulkWriteBatch] = []
    private var refused: [WriteError] = []

    /// What an update may have above the server's limit for a document, which with its filter must fit into it; the
    /// server's number, and libmongoc's.
    private static let updateAllowance = 16_384

    init(
        client: Client, namespace: Namespace, ordered: Bool, writeConcern: WriteConcern, bypassDocumentValidation: Bool
    ) throws {
        try namespace.validate()
        try writeConcern.requireAcknowledged("writing to \(namespace)")
        self.client = client
        self.namespace = namespace
        self.ordered = ordered
        self.writeConcern = writeConcern
        self.bypassDocumentValidation = bypassDocumentValidation
        limits = try client.limitsForWrites("writing to \(namespace)")
    }

    /// Sends everything; then it is empty and can be filled again.
    ///
    /// A refused document (unique index, validator, too large) is not an error: it is in the result, by its index.
    /// - Throws: ``MongoError`` where the outcome is unknown or concerns all: a broken connection, no primary after a
    ///   retry, missing rights. Its ``MongoError/bulkWriteResult`` says what is known.
    public func execute() throws -> BulkWriteResult {
        var result = BulkWriteResult()
        defer { reset() }
        // Taken from the end, each is freed when it is done: the memory goes down with the work.
        var waiting = Array(batches.reversed())
        batches = []
        while let batch = waiting.popLast() {
            do {
                try batch.execute(into: &result, context: context)
            } catch var error as MongoError {
                addRefused(to: &result)
                error.bulkWriteResult = result
                throw error
            }
            if ordered, !result.writeErrors.isEmpty { break }
        }
        addRefused(to: &result)
        // An ordered write ends at its first error: what came after was not done, even if it was sent.
        let end = ordered ? result.writeErrors.first.map { $0.index + 1 } : nil
        result.settled = end ?? count
        result.sent = end ?? count
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
        // Ordered means that nothing is done after an error.
        if !ordered || refused.isEmpty {
            try batch(for: kind, size: size).add(size: size, call)
            byteCount += size
        }
        count += 1
    }

    /// Counts an operation that is not sent, and reports it as refused.
    func refuse(_ reason: String, code: Int = 0) {
        if !ordered || refused.isEmpty { refused.append(WriteError(index: count, code: code, message: reason)) }
        count += 1
    }

    private func batch(for kind: BulkWriteBatch.Kind, size: Int) throws -> BulkWriteBatch {
        if let last = batches.last, last.kind == kind, last.firstIndex + last.count == count,
            last.hasRoom(for: size, limits: limits)
        {
            return last
        }
        let batch = try BulkWriteBatch(
            kind: kind, firstIndex: count, client: client, namespace: namespace, ordered: ordered,
            writeConcern: writeConcern, bypassDocumentValidation: bypassDocumentValidation)
        batches.append(batch)
        return batch
    }

    private func addRefused(to result: inout BulkWriteResult) {
        // Where an ordered write stopped before it, it does not count.
        guard !refused.isEmpty, !ordered || result.writeErrors.isEmpty else { return }
        result.writeErrors = (result.writeErrors + refused).sorted { $0.index < $1.index }
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
    /// - Parameters:
    ///   - ordered: whether to stop at the first refused document; unordered does all the others.
    ///   - bypassDocumentValidation: whether the collection's validator is passed by, which needs the right to.
    /// - Throws: ``MongoError`` where there is no primary, and for `w: 0`.
    public func bulkWrite(
        to namespace: Namespace, ordered: Bool = false, writeConcern: WriteConcern = .majority,
        bypassDocumentValidation: Bool = false
    ) throws -> BulkWrite {
        try BulkWrite(
            client: self, namespace: namespace, ordered: ordered, writeConcern: writeConcern,
            bypassDocumentValidation: bypassDocumentValidation)
    }
}
