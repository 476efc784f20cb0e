import BSON

/// A type that the configuration can give to a path of legacy rows.
public enum FieldType: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case objectId
    case date
    case decimal
    case int
    case long
    case double
    case bool
    case uuid
    case binary
    /// The value stays a string, whatever it looks like.
    case string

    public var description: String { rawValue }

    /// The type of a stored value; nil for types that the configuration has no name for.
    public init?(of element: RawElement) {
        switch element.type {
        case .objectID: self = .objectId
        case .date: self = .date
        case .decimal128: self = .decimal
        case .int32: self = .int
        case .int64: self = .long
        case .double: self = .double
        case .bool: self = .bool
        case .string: self = .string
        case .binary: self = element.binary.map { $0.subtype == 4 && $0.payload.count == 16 } == true ? .uuid : .binary
        default: return nil
        }
    }

    /// The name with its article, for messages.
    var phrase: String {
        switch self {
        case .objectId: "an objectId"
        case .int: "an int"
        default: "a \(rawValue)"
        }
    }
}
