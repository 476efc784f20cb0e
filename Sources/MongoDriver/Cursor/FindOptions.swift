import BSON

/// The options of a `find` command besides its filter, under the server's names.
public struct FindOptions: Sendable {
    public var projection: Document?
    public var sort: Document?
    /// The name of an index, or its keys as a document.
    public var hint: Value?
    /// The maximum number of documents; nil or 0 for all.
    public var limit: Int?
    /// The number of documents per batch; nil leaves it to the server: 101 first, then 16 MB at a time.
    public var batchSize: Int?
    public var collation: Document?
    /// `min` and `max` are bounds on the index that `hint` names.
    public var min: Document?
    public var max: Document?
    public var allowDiskUse: Bool?
    /// Whether the server keeps an idle cursor without limit.
    public var noCursorTimeout: Bool?
    /// Overrides the connection string's read concern.
    public var readConcern: ReadConcern?
    public var readPreference: ReadPreference

    public init(
        projection: Document? = nil, sort: Document? = nil, hint: Value? = nil, limit: Int? = nil,
        batchSize: Int? = nil, collation: Document? = nil, min: Document? = nil, max: Document? = nil,
        allowDiskUse: Bool? = nil, noCursorTimeout: Bool? = nil, readConcern: ReadConcern? = nil,
        readPreference: ReadPreference = .connectionString
    ) {
        self.projection = projection
        self.sort = sort
        self.hint = hint
        self.limit = limit
        self.batchSize = batchSize
        self.collation = collation
        self.min = min
        self.max = max
        self.allowDiskUse = allowDiskUse
        self.noCursorTimeout = noCursorTimeout
        self.readConcern = readConcern
        self.readPreference = readPreference
    }

    func command(collection: String, filter: Document) -> Document {
        Document {
            $0.append("find", .string(collection))
            $0.append("filter", .document(filter))
            if let sort { $0.append("sort", .document(sort)) }
            if let projection { $0.append("projection", .document(projection)) }
            if let hint { $0.append("hint", hint) }
            if let limit { $0.append("limit", .int64(Int64(limit))) }
            if let batchSize { $0.append("batchSize", .int64(Int64(batchSize))) }
            if let collation { $0.append("collation", .document(collation)) }
            if let min { $0.append("min", .document(min)) }
            if let max { $0.append("max", .document(max)) }
            if let allowDiskUse { $0.append("allowDiskUse", .bool(allowDiskUse)) }
            if let noCursorTimeout { $0.append("noCursorTimeout", .bool(noCursorTimeout)) }
            if let readConcern { $0.append("readConcern", .document(readConcern.document)) }
        }
    }
}
