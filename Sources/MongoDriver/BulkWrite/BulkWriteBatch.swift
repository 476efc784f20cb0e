import BSON
import CLibMongoC

/// One server command of a ``BulkWrite``: operations of one kind, no more than the server takes at once.
///
/// libmongoc would split a longer list itself, but if one of several commands fails and a later one succeeds, it
/// forgets the failure, and the documents of the failed command are neither written nor reported. With one command per
/// batch, a failure belongs to exactly this batch.
final class BulkWriteBatch {
    enum Kind {
        case insert, update, delete
    }

    let kind: Kind
    let firstIndex: Int
    private(set) var count = 0
    private(set) var byteCount = 0
    private let handle: OpaquePointer

    /// Bytes reserved for the command itself, with its names, session, cluster time and write concern, and for the
    /// signature of an authenticated cluster time.
    private static let commandAllowance = 65_536

    init(
        kind: Kind, firstIndex: Int, client: Client, namespace: Namespace, writeConcern: WriteConcern,
        bypassDocumentValidation: Bool
    ) throws {
        guard let collection = mongoc_client_get_collection(client.handle, namespace.database, namespace.collection)
        else { throw MongoError(driver: "out of memory") }
        defer { mongoc_collection_destroy(collection) }
        let options: Document = ["ordered": false, "writeConcern": .document(writeConcern.document)]
        let handle = try options.withC { mongoc_collection_create_bulk_operation_with_opts(collection, $0) }
        guard let handle else { throw MongoError(driver: "out of memory") }
        mongoc_bulk_operation_set_bypass_document_validation(handle, bypassDocumentValidation)
        self.kind = kind
        self.firstIndex = firstIndex
        self.handle = handle
    }

    func hasRoom(for size: Int, limits: ServerLimits) -> Bool {
        count < limits.maxWriteBatchSize && byteCount + size <= limits.maxMessageSizeBytes - Self.commandAllowance
    }

    /// Adds one operation by means of a C call that returns false with an error.
    func add(size: Int, _ call: (OpaquePointer, inout bson_error_t) throws -> Bool) throws {
        var error = bson_error_t()
        guard try call(handle, &error) else { throw MongoError(error) }
        count += 1
        byteCount += size
    }

    /// Sends the batch and adds the outcome to `result`.
    /// - Throws: ``MongoError`` if the command as a whole failed.
    func execute(into result: inout BulkWriteResult, context: MongoError.Context) throws {
        let reply = Reply()
        var error = bson_error_t()
        let isDone = mongoc_bulk_operation_execute(handle, reply.pointer, &error) != 0
        let knownErrors = result.writeErrors.count
        let knownConcernErrors = result.writeConcernErrors.count
        try reply.withRaw { try result.add($0, of: count, offset: firstIndex) }
        // Write errors and write concern errors make the call fail, too, but then the command was executed. One that
        // was refused or ended as a whole may have a write concern error besides.
        let hasOnlySingleErrors =
            result.writeErrors.count > knownErrors
            || result.writeConcernErrors.count > knownConcernErrors
                && error.domain == ErrorDomain.writeConcern.rawValue
        guard isDone || hasOnlySingleErrors else { throw MongoError(error, reply: reply, context: context) }
        if let cause = result.writeErrors[knownErrors...].first(where: { !$0.isAboutOneDocument }) {
            throw MongoError(
                domain: .server, code: cause.code, message: cause.message, reply: try reply.copy(), context: context)
        }
    }

    deinit { mongoc_bulk_operation_destroy(handle) }
}
