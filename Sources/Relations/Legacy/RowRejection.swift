/// A legacy row with a value that the configuration's `types` cannot be applied to.
public struct RowRejection: Error, Hashable, Sendable, CustomStringConvertible {
    public let collection: String
    /// The rule's path; nil if the row itself is damaged.
    public let path: FieldPath?
    /// The beginning of the value.
    public let value: String
    public let reason: String

    /// `premium: "abc" is not a decimal; expected a number of at most 34 digits (types in the config)`
    public var description: String {
        guard let path else { return reason }
        return "\(path): \(value) \(reason)".oneLine
    }
}
