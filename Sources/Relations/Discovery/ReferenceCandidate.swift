/// A path that may refer to a collection, and why it was not accepted as a reference.
public struct ReferenceCandidate: Hashable, Sendable, CustomStringConvertible {
    public let collection: String
    public let path: FieldPath
    public let target: String
    /// How many of the sampled values exist as `_id`s there.
    public let existing: Int
    public let sampled: Int
    public let reason: String
    /// Whether this may well be a reference whose values or targets were damaged: a check of the database should say
    /// so.
    public let looksDamaged: Bool

    public init(
        collection: String, path: FieldPath, target: String, existing: Int, sampled: Int, reason: String,
        looksDamaged: Bool = false
    ) {
        self.collection = collection
        self.path = path
        self.target = target
        self.existing = existing
        self.sampled = sampled
        self.reason = reason
        self.looksDamaged = looksDamaged
    }

    /// For a valid reference to a collection that is left out, which a configuration cannot name.
    public init(toLeftOut reference: Reference) {
        self.init(
            collection: reference.collection, path: reference.path, target: reference.target, existing: 0, sampled: 0,
            reason: "\(reference.found), but \(reference.target) is left out")
    }

    /// `owner → users: 5 of 5 sampled values exist, but …`
    public var description: String {
        if sampled == 0 { return "\(path) → \(target): \(reason)".oneLine }
        return "\(path) → \(target): \(existing.grouped) of \(sampled.grouped) sampled values exist, but \(reason)"
            .oneLine
    }
}
