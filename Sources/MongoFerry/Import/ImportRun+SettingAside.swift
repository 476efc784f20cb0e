import BackupFile
import Relations

extension ImportRun {
    /// Writes the rows that were not taken into a file of their own: those that the server refused, and those of the
    /// preflight where that was asked for.
    mutating func setAside(_ survey: FileSurvey) throws {
        let lines = Set(preflightProblems.map(\.line) + rejections.lines)
        guard !lines.isEmpty else { return }
        // A pipe of the shell's, as in <(…), has no folder to write to either.
        let isStream = [Spool.standardInput, "/dev/stdin"].contains(reader.path) || reader.path.hasPrefix("/dev/fd/")
        let names = FileNames(
            metadata: reader.metadata, configuration: options.configuration, renames: options.renames)
        let rejects = try RejectsFile(
            lines, of: reader, survey, named: RejectsNames(names), beside: isStream ? "stdin" : reader.path)
        report.rejectsFile = rejects.path
        report.rejectsCommand = command(for: rejects)
        // What to do with them is among the next steps.
        operation.warning(
            "\(rejects.count) \(rejects.count == 1 ? "row was" : "rows were") set aside in \(rejects.path)")
    }

    /// What brings the mended rows to where they would have come, with the types that they would have had.
    private func command(for rejects: RejectsFile) -> String {
        var words = ["mongoferry", "import", rejects.path, "--db", connection.database]
        if let file = options.configuration.file, file != "mongoferry.yaml" { words += ["--config", file] }
        for (name, target) in rejects.names.sorted(by: { $0.key < $1.key })
        where !options.configuration.databaseName(of: name).hasSameBytes(as: target) {
            words += ["--rename", "\(name)=\(target)"]
        }
        if options.mode == .insert { words += ["--mode", "insert"] }
        if !key.isID { words += ["--upsert-keys", options.upsertKeys.joined(separator: ",")] }
        // Rows of a file that says what its types are need no guessing when they come again; legacy rows do.
        if !rejects.hasLegacyRows || !options.infers { words.append("--no-infer") }
        return words.map(Report.shellWord).joined(separator: " ")
    }
}
