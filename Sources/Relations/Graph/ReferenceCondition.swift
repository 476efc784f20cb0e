import BSON

/// What the field beside a polymorphic reference must contain: `ownerType` is "customer".
public struct ReferenceCondition: Hashable, Sendable, CustomStringConvertible {
    /// The name of a field in the same document as the last field of the reference's path.
    public let field: String
    /// A string, an integer or a bool.
    public let value: Value

    public init(field: String, equals value: Value) {
        self.field = field
        self.value = value
    }

    /// Whether the value has a type that a field can ever equal.
    var canHold: Bool {
        switch value {
        case .string, .bool: true
        default: value.integer != nil
        }
    }

    /// Whether a document that contains the reference meets the condition. Integers are compared regardless of their
    /// type.
    public func holds(in parent: RawDocument) -> Bool {
        guard let element = parent[field] else { return false }
        return switch value {
        case .string(let text): element.type == .string && element.stringBytes?.isUTF8(of: text) == true
        case .bool(let flag): element.bool == flag
        default: value.integer != nil && Self.integer(element) == value.integer.map(Int64.init)
        }
    }

    private static func integer(_ element: RawElement) -> Int64? { element.decimal128?.integer ?? element.integer }

    public var description: String { "\(field) = \(valueText)" }

    /// The value alone: strings in quotes, anything else as it is.
    var valueText: String {
        switch value {
        case .string(let text): text.quoted
        case .bool(let flag): flag ? "true" : "false"
        default: value.integer.map { String($0) } ?? "?"
        }
    }
}
