/// What a collection's own documents hold at a path, null aside.
public enum ObservedType: Hashable, Sendable {
    /// Always this type.
    case one(FieldType)
    /// Always binary data of this subtype, UUIDs aside.
    case binary(subtype: UInt8)
    /// Different types, which decide nothing.
    case several

    /// The type as the configuration has it; nil where there are several.
    public var fieldType: FieldType? {
        switch self {
        case .one(let type): type
        case .binary: .binary
        case .several: nil
        }
    }
}
