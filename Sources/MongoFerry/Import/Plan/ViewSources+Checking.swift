import BackupFile

extension ViewSources {
    /// Checks that a server accepts what the steps make under their own names.
    /// - Parameter refusal: what an error says of a step.
    /// - Throws: ``FerryError`` for the first conflict.
    func check(_ steps: [ImportPlan.Step], _ refusal: String) throws {
        for step in steps {
            guard let conflict = conflict(of: step.databaseName) else { continue }
            throw FerryError(
                "\(BackupMetadata.shown(step.databaseName)) \(refusal): \(conflict)",
                advice: [
                    "Drop that view or change it first, or leave this one out: --exclude \(step.name.shellWord)."
                ])
        }
    }
}
