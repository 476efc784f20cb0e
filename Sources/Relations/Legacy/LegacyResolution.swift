import BSON

/// What legacy rows become, and why.
public struct LegacyResolution: Sendable {
    /// A path whose values look like something that they are not made into.
    public struct Conflict: Hashable, Sendable {
        public let collection: String
        public let path: FieldPath
        /// "a date in 10 values, another text in 3: left as they are".
        public var problem: String
        /// Whether the live documents are likely to be what is wrong: it is told before anything is written.
        public var isDoubt = false
    }

    /// Ids at an inferred path that are no `_id` in the file or the database. They are converted too.
    public struct Dangling: Hashable, Sendable {
        public let collection: String
        public let path: FieldPath
        /// Distinct values.
        public let count: Int
        /// False where the memory held a sample only.
        public let isExact: Bool
        public let examples: [ObjectID]
    }

    public let rules: TypeRules
    /// Beyond the configuration's own, what the values show. Of one path to several targets: each value is in one of
    /// them.
    public let references: [Reference]
    /// Paths where some values are dates and some are not.
    public let conflicts: [Conflict]
    /// Paths of 24-digit values that stay texts, since most of them are nobody's `_id` or the live documents have texts
    /// there; and `_id`s that become ObjectIds though the live ones are texts.
    public let lookAlikes: [Conflict]
    public let dangling: [Dangling]
    /// Paths of the configuration's types that no row has.
    public let absent: [Conflict]
    /// Collections of more different paths than can be looked at: nothing was inferred from their rows but `_id`.
    public let crowded: [String]
}
