import BackupFile
import Relations

/// What the strings of a legacy file become, and the references found in a file without metadata.
struct LegacyTypes {
    var resolution: LegacyResolution?
    /// The types in the live documents, by the collections' names in the file.
    var liveTypes: [String: [FieldPath: ObservedType]] = [:]
    /// Rows that a rule of the configuration cannot convert, or whose documents are too large.
    var problems: ProblemList
    var rules: TypeRules? { resolution?.rules }
    /// The references found in samples of the rows: all of those that carry types; of the old application's rows, those
    /// that do not lead to ObjectIds or UUIDs.
    var discoveredReferences: [Reference] = []

    /// All references found.
    var references: [Reference] { (resolution?.references ?? []).merged(with: discoveredReferences) }

    /// - Parameter isLeftOut: whether a collection is not imported, so that its rows do not matter.
    func warnings(except isLeftOut: (String) -> Bool) -> [String] {
        (resolution?.crowded ?? []).filter { !isLeftOut($0) }.map {
            "\(BackupMetadata.shown($0)): the rows have too many different names to infer types from: what the config's types "
                + "do not name stays as it is"
        }
    }
}
