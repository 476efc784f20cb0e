import BSON

/// What the values of legacy rows become, and why.
public struct LegacyResolution: Sendable {
    /// A problem to report at a path: mostly values that look like another type but are not converted.
    public struct Conflict: Hashable, Sendable {
        public let collection: String
        public let path: FieldPath
        /// "a date in 10 values, another string in 3: left as they are".
        public var problem: String
        /// Whether the values and the live documents disagree, so that the import warns before it writes anything.
        public var isDoubt = false
    }

    /// Lines for people; what is the same at many paths is said once.
    ///
    ///     policies.start: a date in 10 values, another string in 3: left as they are
    public static func lines(_ conflicts: [Conflict]) -> [String] {
        let groups = PathGroup.groups(conflicts) {
            ($0.collection, $0.path)
        } kind: { conflict in
            // Some texts repeat the path, and counts differ.
            conflict.problem.replacing(conflict.path.description, with: "").filter { !$0.isNumber }
        }
        return groups.map { group in
            let first = group.elements[0]
            let example = group.elements.count == 1 ? "" : ", such as \(first.path)"
            return "\(group.place)\(example): \(first.problem)".oneLine
        }
    }

    /// Ids at an inferred path that are not an `_id` in the file or the database. They are converted nevertheless.
    public struct Dangling: Hashable, Sendable {
        public let collection: String
        public let path: FieldPath
        /// The number of distinct values.
        public let count: Int
        /// False if only a sample was kept, so that the count is an estimate.
        public let isExact: Bool
        public let examples: [ObjectID]
    }

    public let rules: TypeRules
    /// The references that the values show, beyond the configuration's own. A path has several if its values are spread
    /// over several targets.
    public let references: [Reference]
    /// Paths where some values are dates and some are not, and paths with too many different names to look below: doubts
    /// where that may change live documents.
    public let conflicts: [Conflict]
    /// Paths of 24-digit values that stay strings, since most are no collection's `_id`s or the live documents have
    /// strings there; `_id`s that become ObjectIds though the live ones are strings; other values that do not become
    /// what they look like or what the live documents have.
    public let lookAlikes: [Conflict]
    public let dangling: [Dangling]
    /// Paths in the configuration's `types`, and those of its references, that no row has.
    public let absentTypes: [Conflict]
    public let absentReferences: [Conflict]
    /// Collections with too many different paths to be surveyed: nothing but `_id` was inferred from their rows.
    public let crowded: [String]
}
