/// What becomes of the values at one path of legacy rows, and why.
public struct TypeRule: Hashable, Sendable {
    /// Who says so, by authority.
    public enum Reason: Hashable, Sendable {
        /// The configuration's `types`.
        case configuration
        /// The configuration's `references`: the path leads to that collection.
        case reference(to: String)
        /// It is a document's key.
        case primaryKey
        /// All sampled documents of the live collection have that type there.
        case live
        /// The values themselves, with the evidence.
        case inferred(String)
    }

    public let collection: String
    public let path: FieldPath
    public let type: FieldType
    public let reason: Reason
    /// The subtype that text becomes under ``FieldType/binary``.
    public let binarySubtype: UInt8
    /// Under ``FieldType/double``: whether what 32 bits hold stays what it is.
    public let keepsInt32: Bool
    /// Which of the path's values it is for.
    public let part: Part

    /// Of a path that has another rule besides, one may be for its numbers.
    public enum Part: Hashable, Sendable {
        case all
        case numbers
        /// And documents as JSON.stringify makes them of Longs.
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

    /// Whether values become the same by both.
    func makesTheSame(as other: TypeRule) -> Bool {
        (type, binarySubtype, keepsInt32) == (other.type, other.binarySubtype, other.keepsInt32)
    }

    /// The same for a path that leads to its own.
    func moved(to path: FieldPath, in collection: String, leadingTo target: String) -> TypeRule {
        let reason: Reason = isDemanded ? .reference(to: target) : .inferred("it leads to \(target): \(self.reason)")
        return TypeRule(
            collection: collection, path: path, type: type, reason: reason, binarySubtype: binarySubtype,
            keepsInt32: keepsInt32, part: part)
    }

    /// Whether a value that cannot be converted makes its row a rejected one. Otherwise it stays as it is.
    public var isStrict: Bool { reason == .configuration }

    /// Whether the configuration demands the type, be it by way of a reference: then a number as text becomes a number.
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

    /// One word for programs.
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
