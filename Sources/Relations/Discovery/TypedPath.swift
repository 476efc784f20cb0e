/// A path whose sampled values all have one type, except nulls.
public struct TypedPath: Hashable, Sendable {
    public let collection: String
    public let path: FieldPath
    public let type: FieldType
    /// The number of values seen.
    public let values: Int
    /// Whether these are strings that legacy rows could also have for ids or dates: only a configuration tells them
    /// apart.
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
