import BSON

extension RawElement {
    /// The beginning of the value, for messages.
    var brief: String {
        switch type {
        case .string, .symbol, .code: (string ?? "").excerpt(40).quoted
        case .document: "{…}"
        case .array: "[…]"
        case .int32, .int64: integer.map { String($0) } ?? ""
        case .double: double?.description ?? ""
        case .bool: bool == true ? "true" : "false"
        case .null: "null"
        case .objectID: objectID?.description ?? ""
        case .decimal128: decimal128?.description ?? ""
        default: "a \(type.name)"
        }
    }
}
