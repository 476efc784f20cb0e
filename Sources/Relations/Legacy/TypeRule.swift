/// How the values at one path of legacy rows are converted, and why.
public struct TypeRule: Hashable, Sendable {
    /// Where the rule comes from, in order of authority.
    public enum Reason: Hashable, Sendable {
        /// The configuration's `types`.
        case configuration
        /// The configuration's `references`: the path leads to that collection.
        case reference(to: String)
        /// The path is `_id`.
        case primaryKey
        /// The type that decides among those of the live collection's sampled documents.
        case live
        /// The values themselves, with the evidence.
        case inferred(String)
    }

    public let collection: String
    public let path: FieldPath
    public let type: FieldType
    public let reason: Reason
    /// The subtype that values get under ``FieldType/binary``.
    public let binarySubtype: UInt8
    /// Under ``FieldType/double``: whether 32-bit integers stay as they are.
    public let keepsInt32: Bool
    /// Which of the path's values the rule applies to.
    public let part: Part

    /// A path may have a second rule, for its numbers alone.
    public enum Part: Hashable, Sendable {
        case all
        case numbers
        /// Numbers, and documents as JSON.stringify makes them of Longs.
        case numbersAndLongs
    }

    public init(
        collection: String, path: FieldPath, type: FieldType, reason: Reason, binarySubtype: UInt8 = 0,
        keepsInt32: Bool = false, part: Part = .all
    ) {
        self.part = part
        self.keepsInt32 = keepsInt32
        self.binarySubtype = binarySubtype
        self.collection = collection
        self.path = path
        self.type = type
        self.reason = reason
    }

    /// Whether both rules convert values alike.
    func makesTheSame(as other: TypeRule) -> Bool {
        (type, binarySubtype, keepsInt32) == (other.type, other.binarySubtype, other.keepsInt32)
    }

    /// The same conversion for a path that refers to this rule's path.
    func moved(to path: FieldPath, in collection: String, leadingTo target: String) -> TypeRule {
        let reason: Reason = isDemanded ? .reference(to: target) : .inferred("it leads to \(target): \(self.reason)")
        return TypeRule(
            collection: collection, path: path, type: type, reason: reason, binarySubtype: binarySubtype,
            keepsInt32: keepsInt32, part: part)
    }

    /// Whether a row is rejected if its value cannot be converted. Otherwise the value stays as it is.
    public var isStrict: Bool { reason == .configuration }

    /// Whether the configuration demands the type, directly or through a reference: then numeric strings become
    /// numbers.
    var isDemanded: Bool {
        switch reason {
        case .configuration, .reference: true
        case .primaryKey, .live, .inferred: false
        }
    }
}

extension TypeRule.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .configuration: "types in the config"
        case .reference(let target): "reference to \(target) in the config"
        case .primaryKey: "_id"
        case .live: "type in the live collection"
        case .inferred(let evidence): "inferred: \(evidence)"
        }
    }

    /// One word for machine-readable output.
    public var keyword: String {
        switch self {
        case .configuration: "config"
        case .reference: "reference"
        case .primaryKey: "_id"
        case .live: "live"
        case .inferred: "inferred"
        }
    }
}
