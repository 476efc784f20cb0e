/// What a collection's own documents hold at a path, null aside.
public indirect enum ObservedType: Hashable, Sendable {
    /// Always this type.
    case one(FieldType)
    /// Always binary data of this subtype, UUIDs aside.
    case binary(subtype: UInt8)
    /// Different types, of which this one decides what becomes of old rows' values: theirs that fit it are of it, and all
    /// others stay what they are.
    case leading(ObservedType)
    /// Different types, which decide nothing.
    case several

    /// The type as the configuration has it; nil where there are several.
    public var fieldType: FieldType? {
        switch self {
        case .one(let type): type
        case .binary: .binary
        case .leading, .several: nil
        }
    }

    /// What decides; nil where nothing does.
    var deciding: ObservedType? {
        switch self {
        case .one, .binary: self
        case .leading(let type): type
        case .several: nil
        }
    }
}
