/// What a collection's own documents hold at a path, null aside.
public enum ObservedType: Hashable, Sendable {
    /// Always this type.
    case one(FieldType)
    /// Different types, which decide nothing.
    case several
}
