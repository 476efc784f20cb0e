import BSON

/// The outcome of a bulk write.
public struct BulkWriteResult: Sendable {
    public internal(set) var inserted = 0
    /// The existing documents that replacements or updates found.
    public internal(set) var matched = 0
    /// The documents that replacements or updates with `upsert` inserted.
    public internal(set) var upserted = 0
    /// The refused operations, by index, including those that were never sent.
    public internal(set) var writeErrors: [WriteError] = []
    public internal(set) var writeConcernErrors: [WriteConcernError] = []

    public init() {}

    /// - Throws: ``MongoError``, with ``MongoError/isWriteConcernFailure``, if something was written and not acknowledged
    ///   by as many members as requested.
    public func requireConfirmed() throws {
        if let first = writeConcernErrors.first { throw first.failure }
    }

    /// Adds the server's reply to one command.
    /// - Parameters:
    ///   - count: the number of operations in the command.
    ///   - offset: the number of operations before it.
    mutating func add(_ reply: RawDocument, of count: Int, offset: Int) throws {
        let errors = try WriteError.all(in: reply, of: count, offset: offset)
        inserted += Int(reply["nInserted"]?.integer ?? 0)
        matched += Int(reply["nMatched"]?.integer ?? 0)
        upserted += Int(reply["nUpserted"]?.integer ?? 0)
        writeErrors += errors
        try reply["writeConcernErrors"]?.document?.forEach {
            if let entry = $0.document { writeConcernErrors.append(WriteConcernError(entry)) }
        }
    }
}
