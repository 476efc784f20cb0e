import BSON

/// Names that this program uses in a database while it imports.
enum OwnNames {
    static let lock = "__mongoferry_lock"
    static let stagingPrefix = "__mongoferry_staging."
    /// See ``DisplacedCollections``.
    static let displaced = "__mongoferry_displaced"
    static let displacedPrefix = "__mongoferry_displaced."
    /// See ``KeptDefinitions``.
    static let definitions = "__mongoferry_definitions"

    /// The name of a collection that a run creates only to try something out.
    /// - Parameter mark: the run's own mark.
    static func trial(_ mark: String) -> String { "\(stagingPrefix)\(mark).trial" }

    /// All of them, for people.
    static let all = "__mongoferry_…"

    static func contains(_ name: String) -> Bool {
        [lock, definitions, displaced].contains(name) || name.hasScalarPrefix(stagingPrefix)
            || name.hasScalarPrefix(displacedPrefix)
    }
}
