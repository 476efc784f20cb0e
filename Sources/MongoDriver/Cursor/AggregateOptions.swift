import BSON

/// The options of an `aggregate` command besides its pipeline, under the server's names.
public struct AggregateOptions: Sendable {
    public var batchSize: Int?
    public var allowDiskUse: Bool?
    /// The name of an index, or its keys as a document.
    public var hint: Value?
    public var collation: Document?
    /// Overrides the connection string's read concern.
    public var readConcern: ReadConcern?
    public var readPreference: ReadPreference
    /// Milliseconds after which the server gives up with an error: `maxTimeMS`.
    public var maximumTime: Int?

    public init(
        batchSize: Int? = nil, allowDiskUse: Bool? = nil, hint: Value? = nil, collation: Document? = nil,
        readConcern: ReadConcern? = nil, readPreference: ReadPreference = .connectionString, maximumTime: Int? = nil
    ) {
        self.batchSize = batchSize
        self.allowDiskUse = allowDiskUse
        self.hint = hint
        self.collation = collation
        self.readConcern = readConcern
        self.readPreference = readPreference
        self.maximumTime = maximumTime
    }

    /// `target` is a collection's name, or 1 for the database itself.
    func command(target: Value, pipeline: [Document]) -> Document {
        let batch: Document = batchSize.map { ["batchSize": .int64(Int64($0))] } ?? [:]
        return Document {
            $0.append("aggregate", target)
            $0.append("pipeline", .array(pipeline.map(Value.document)))
            $0.append("cursor", .document(batch))
            if let allowDiskUse { $0.append("allowDiskUse", .bool(allowDiskUse)) }
            if let hint { $0.append("hint", hint) }
            if let collation { $0.append("collation", .document(collation)) }
            if let readConcern { $0.append("readConcern", .document(readConcern.document)) }
            if let maximumTime { $0.append("maxTimeMS", .int64(Int64(maximumTime))) }
        }
    }
}
