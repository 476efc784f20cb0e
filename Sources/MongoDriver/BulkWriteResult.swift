import BSON

/// What became of a bulk write.
public struct BulkWriteResult: Sendable {
    public internal(set) var inserted = 0
    /// The operations that the server refused, by index.
    public internal(set) var writeErrors: [WriteError] = []
    public internal(set) var writeConcernErrors: [WriteConcernError] = []

    public init() {}

    /// Adds what the server said about one command.
    /// - Parameters:
    ///   - count: the operations of it.
    ///   - offset: how many there were before.
    mutating func add(_ reply: RawDocument, of count: Int, offset: Int) throws {
        let errors = try WriteError.all(in: reply, of: count, offset: offset)
        inserted += Int(reply["nInserted"]?.integer ?? 0)
        writeErrors += errors
        try reply["writeConcernErrors"]?.document?.forEach {
            if let entry = $0.document { writeConcernErrors.append(WriteConcernError(entry)) }
        }
    }
}
