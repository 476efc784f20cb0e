/// A path whose sampled values all have one type, null aside.
public struct TypedPath: Hashable, Sendable {
    public let collection: String
    public let path: FieldPath
    public let type: FieldType
    /// Values seen.
    public let values: Int
    /// Whether they are texts that old rows have for ids or dates, too: only a configuration tells them apart.
    public let looksOtherwise: Bool

    public init(
        collection: String, path: FieldPath, type: FieldType, values: Int, looksOtherwise: Bool = false
    ) {
        self.collection = collection
        self.path = path
        self.type = type
        self.values = values
        self.looksOtherwise = looksOtherwise
    }
}
