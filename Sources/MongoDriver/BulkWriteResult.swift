import BSON

/// What became of a bulk write.
public struct BulkWriteResult: Sendable {
    public internal(set) var inserted = 0
    /// Found by an update's filter, changed or not; upserts not counted.
    public internal(set) var matched = 0
    public internal(set) var modified = 0
    public internal(set) var upserted = 0
    public internal(set) var deleted = 0
    /// The operations that the server refused, by index.
    public internal(set) var writeErrors: [WriteError] = []
    public internal(set) var writeConcernErrors: [WriteConcernError] = []
    /// How many operations, from the first on, have a known outcome: all, unless an error was thrown or an ordered
    /// write stopped.
    public internal(set) var settled = 0
    /// How many operations, from the first on, were sent. What became of those between `settled` and here is unknown;
    /// those from here on were not done.
    public internal(set) var sent = 0

    public init() {}

    /// Adds what the server said about one command.
    /// - Parameters:
    ///   - count: the operations of it.
    ///   - offset: how many there were before.
    mutating func add(_ reply: RawDocument, of count: Int, offset: Int) throws {
        let errors = try WriteError.all(in: reply, of: count, offset: offset)
        inserted += Self.number("nInserted", in: reply)
        matched += Self.number("nMatched", in: reply)
        modified += Self.number("nModified", in: reply)
        upserted += Self.number("nUpserted", in: reply)
        deleted += Self.number("nRemoved", in: reply)
        writeErrors += errors
        try reply["writeConcernErrors"]?.document?.forEach {
            if let entry = $0.document { writeConcernErrors.append(WriteConcernError(entry)) }
        }
    }

    private static func number(_ key: String, in reply: RawDocument) -> Int { Int(reply[key]?.integer ?? 0) }
}
