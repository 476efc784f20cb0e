/// A path whose sampled values all have one type, null aside.
public struct TypedPath: Hashable, Sendable {
    public let collection: String
    public let path: FieldPath
    public let type: FieldType
    /// Values seen.
    public let values: Int

    public init(collection: String, path: FieldPath, type: FieldType, values: Int) {
        self.collection = collection
        self.path = path
        self.type = type
        self.values = values
    }
}
