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

    /// Warnings of references in the configuration that no row has: what they were meant for is checked only if it is
    /// discovered.
    /// - Parameter isLeftOut: whether a collection is not imported.
    func warnings(
        ofReferencesIn configuration: Configuration, _ survey: FileSurvey, except isLeftOut: (String) -> Bool
    ) -> [String] {
        // Rows of Extended JSON may have the others.
        guard let resolution, !survey.kinds.isMixed else { return [] }
        return resolution.absentReferences.filter { !isLeftOut($0.collection) }.map { reference in
            "\(configuration.file ?? "the configuration") has a reference of \(reference.collection).\(reference.path): \(reference.problem)"
        }
    }

    /// - Parameter isLeftOut: whether a collection is not imported, so that its rows do not matter.
    func warnings(except isLeftOut: (String) -> Bool) -> [String] {
        (resolution?.crowded ?? []).filter { !isLeftOut($0) }.map {
            "\(BackupMetadata.shown($0)): the rows have too many different names to infer types from: what the config's types "
                + "do not name stays as it is"
        }
    }
}
