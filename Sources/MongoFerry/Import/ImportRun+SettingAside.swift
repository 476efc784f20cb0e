import BackupFile
import Relations

extension ImportRun {
    /// Writes the rows that were not taken into a file of their own: those that the server rejected, and those that the
    /// preflight set aside.
    mutating func setAside(_ survey: FileSurvey) throws {
        let lines = (preflightProblems.lines + rejections.lines).sorted()
        guard !lines.isEmpty else { return }
        let names = FileNames(
            metadata: reader.metadata, configuration: options.configuration, renames: options.renames)
        let rejects = try RejectsFile(
            lines, of: reader, survey, named: RejectsNames(names), beside: placeOfRejects,
            check: operation.cancellation.check)
        report.rejectsFile = rejects.path
        report.circumstances.rejectsCommand = command(for: rejects)
        // The report's next steps say what to do with them.
        operation.warning(
            "\(rejects.count.counted("row was", "rows were")) set aside in \(rejects.path)")
        if let text = rejects.folderWarning { operation.warning("\(rejects.path): \(text)") }
    }

    /// The path beside which rejects are written: of the file, or `stdin` in the working folder.
    var placeOfRejects: String { report.isFromStream ? "stdin" : reader.path }

    /// Checks, before anything is written, whether rows that the preflight found bad can be set aside.
    /// - Throws: ``FerryError``.
    func checkPlaceOfRejects() throws {
        guard preflightProblems.count > 0 else { return }
        do {
            try RejectsFile.check(beside: placeOfRejects)
        } catch {
            let cause = FerryError(explaining: error)
            let isOne = preflightProblems.count == 1
            throw FerryError(
                "the \(isOne ? "row" : "rows") that --max-rejects sets aside cannot be written: \(cause.text)",
                details: [FerryError.nothingWritten],
                advice: [
                    report.isFromStream
                        ? "Start the import in a folder that can be written."
                        : "Copy the backup to a folder that can be written, and import it from there."
                ], underlying: cause.underlying)
        }
    }

    /// The command that imports the corrected rows into their collections, with the types they would have had.
    private func command(for rejects: RejectsFile) -> String {
        var words = connection.targetOptions + ["--db", connection.database]
        words += Report.options(for: options.configuration)
        for (name, target) in rejects.names.sorted(by: { $0.key < $1.key })
        where !options.configuration.databaseName(of: name).hasSameBytes(as: target) {
            words += ["--rename", "\(name)=\(target)"]
        }
        if options.mode == .insert { words += ["--mode", "insert"] }
        if options.bypassesValidation { words.append("--bypass-validation") }
        if !key.isID { words += ["--upsert-keys", options.upsertKeys.joined(separator: ",")] }
        // Rows of a file whose types are known need no inference when they are imported again; legacy rows do.
        if !rejects.hasLegacyRows { words.append("--no-legacy") } else if !options.infers { words.append("--no-infer") }
        return "mongoferry import \(rejects.path.shellPath) " + words.map(\.shellWord).joined(separator: " ")
    }
}
