import BSON
import Relations

extension Report {
    /// What to do if something is wrong, one sentence each; empty if all is well.
    public var nextSteps: [String] {
        if circumstances.mustBeRepeated { return advice + ["Run the import again: it writes what is gone."] }
        return advice + fileSteps + rejectionSteps
            + (operation == .import && circumstances.refusedIndexCount > 0 ? [indexStep] : [])
            + (operation == .verify ? differenceSteps : [])
            + (danglingCount > 0 ? [danglingStep] : [])
    }

    private var fileSteps: [String] {
        if let unreadable = circumstances.unreadable { return [unreadable.advice].compactMap(\.self) }
        guard isFileDamaged else { return [] }
        let mending = source == nil ? "Mend the file, or take another copy of it." : BackupError.otherCopy
        // An import stops looking for faults once it is clear that the file is refused.
        guard operation == .import, rejectionCount > rejections.count else { return [mending] }
        return [
            mending,
            isFromStream
                ? "Write it to a file first: then `mongoferry verify FILE` lists more of the rows."
                : "`mongoferry verify \(fileName)` lists more of the rows.",
        ]
    }

    private var isFileDamaged: Bool { differences.contains { $0.kind == .file } }

    private var rejectionSteps: [String] {
        guard rejectionCount > 0, circumstances.unreadable == nil else { return [] }
        // If something other than their number stopped the import, its advice already says what helps.
        var steps = status != .refused || advice.isEmpty ? [rejectionStep].compactMap(\.self) : []
        if operation == .import, status == .refused || rejectsFile != nil,
            rejections.contains(where: \.isOfValidator)
        {
            steps.append(
                "What is older than the collection's validator is written by --bypass-validation all the same.")
        }
        return steps
    }

    /// What to do about differences between a file and a database.
    private var differenceSteps: [String] {
        let kinds = Set(differences.map(\.kind))
        var steps: [String] = []
        if let other = circumstances.sameDatabaseName {
            steps.append("Use --db \(other.shellWord): the server takes no second name that differs in case only.")
        } else if circumstances.isDatabaseMissing {
            steps.append(
                "Name a database that is there with --db. If \(databaseName) is meant and is to be filled, "
                    + "`\(importCommand) --dry-run` counts what would be written.")
        } else {
            if kinds.contains(.missing) || kinds.contains(.different) { steps.append(documentStep(kinds)) }
            if kinds.contains(.definition) {
                steps.append(
                    "`\(importCommand) --dry-run` says which indexes and views an import would create; where others are in their place, or options differ, only --mode replace takes the file's."
                )
            }
        }
        if kinds.contains(.extra) {
            steps.append(
                "Documents that only the database has are no fault; `import --mode replace` would remove them.")
        }
        return steps
    }

    private func documentStep(_ kinds: Set<Difference.Kind>) -> String {
        let merged =
            kinds.contains(.missing) && kinds.contains(.extra)
            ? " Where they were merged by --upsert-keys, say it there too: they may be there under other _ids." : ""
        let expiring = circumstances.namesOfExpiring.map { "'\($0)'" }.listed("and")
        let expired =
            kinds.contains(.missing) && !expiring.isEmpty
            ? " Documents of \(expiring) expire: those are removed again." : ""
        return
            "`\(importCommand) --dry-run` counts what would bring the missing and different documents back; without --dry-run it does.\(merged)\(expired)"
    }

    /// The number of problems of each kind: `1 rejected row, 4 dangling references`.
    public var problemCounts: String {
        let faults = differences.count { $0.kind == .file }
        let counts = [
            // The fault that stopped the reading is not a row.
            (circumstances.unreadable == nil ? rejectionCount : 0, "rejected row", "rejected rows"),
            (differences.count(where: \.kind.isProblem) - faults, "difference", "differences"),
            (danglingCount, "dangling reference", "dangling references"),
            (warnings.count, "warning", "warnings"),
        ].filter { $0.0 > 0 }.map { $0.0.counted($0.1, $0.2) }
        let isDamaged = faults > 0 || circumstances.unreadable?.isDamaged == true
        let file =
            isDamaged ? ["the file is damaged"] : circumstances.unreadable == nil ? [] : ["the file cannot be read"]
        var all = file + counts
        if operation == .verify, source != nil, file.isEmpty, rejectionCount == 0, !all.isEmpty {
            all[all.count - 1] += " (the file itself is whole: its seal fits)"
        }
        return all.isEmpty ? "see above" : all.joined(separator: ", ")
    }

    private var fileName: String { file.map(\.shellPath) ?? "FILE" }
    private var importCommand: String { command("import") }

    /// A command with the same file, database and choice of collections.
    private func command(_ name: String) -> String {
        (["mongoferry \(name) \(fileName) \(databaseOptions)"]
            + (circumstances.configurationOptions + circumstances.choiceOptions).map(\.shellWord)).joined(
                separator: " ")
    }
    /// The command that checks the references of the whole database.
    var verifyCommand: String {
        (["mongoferry verify \(databaseOptions)"] + circumstances.configurationOptions.map(\.shellWord)).joined(
            separator: " ")
    }
    /// The options that make a command use the same database on the same server.
    private var databaseOptions: String {
        (circumstances.targetOptions.map(\.shellWord) + ["--db \(databaseName)"]).joined(separator: " ")
    }
    private var databaseName: String { database.map(\.shellWord) ?? "NAME" }

    private var indexStep: String {
        let isOne = circumstances.refusedIndexCount == 1
        guard status == .refused else {
            guard circumstances.collidingIndexCount > 0 else {
                return
                    "The server says above why it refuses \(isOne ? "the index" : "the indexes"): create \(isOne ? "one" : "some") by hand that it takes."
            }
            return
                "Create the refused \(isOne ? "index" : "indexes") by hand once the documents that stand in \(isOne ? "its" : "their") way are mended."
        }
        let mending =
            circumstances.collidingIndexCount == circumstances.refusedIndexCount
            ? "The documents named above collide. Mend them" : "Mend what the server names above"
        return
            "\(mending) where the backup comes from; or import with --mode merge, which goes on without an index that cannot be built, and sets aside what one that is there refuses."
    }

    private var rejectionStep: String? {
        if isFileDamaged { return nil }
        if operation == .verify {
            return
                "An import refuses these rows: \(source == nil ? "mend them" : "export again"), or set them aside with --max-rejects \(rejectionCount)."
        }
        if status == .refused, let rejectsFile {
            // If fewer were refused than may be, only references that dangle without them are in the way.
            let others = danglingCount > 0 ? "" : ", or let --max-rejects \(rejectionCount) set it aside"
            return
                "Mend what the server refused, which stands in \(rejectsFile), where the backup comes from\(others)."
        }
        // Running the import again continues it.
        if status == .failed || status == .interrupted { return nil }
        if let rejectsFile, let rejectsCommand = circumstances.rejectsCommand {
            return "Mend the rows in \(rejectsFile) and import that file: `\(rejectsCommand)`."
        }
        if status == .refused, !collections.isEmpty {
            return "Mend what the server refused, or let --max-rejects \(rejectionCount) set these documents aside."
        }
        if status == .refused {
            return
                "\(source == nil ? "Mend these rows" : "Export again"), or set them aside with --max-rejects \(rejectionCount)."
        }
        if let rejectsPlace = circumstances.rejectsPlace {
            let isOne = rejectionCount == 1
            return
                "\(rejectionCount.grouped) \(isOne ? "row" : "rows") would be set aside in \(rejectsPlace): mend \(isOne ? "it" : "them") before the import."
        }
        return operation == .import ? unwrittenStep : nil
    }

    /// The advice for rows that could not be set aside.
    private var unwrittenStep: String {
        let again =
            isFromStream
            ? "Run the import again in a folder that can be written"
            : "Copy the backup to a folder that can be written and run the import again"
        let rest = "the rows are set aside there."
        return mode == .insert
            ? "\(again): what is there is left alone, and \(rest)" : "\(again): \(rest)"
    }

    /// A shell's pipe, as in <(…), has no folder to write to either: bash names it /dev/fd, zsh /proc/self/fd.
    var isFromStream: Bool {
        guard let file else { return false }
        return [Import.standardInput, "/dev/stdin"].contains(file)
            || ["/dev/fd/", "/proc/"].contains { file.hasScalarPrefix($0) }
    }

    /// Whether something dangles that refers to a collection of which rows were rejected.
    private var isTargetRejected: Bool {
        let dangling = Set(references.filter { $0.dangling > 0 }.flatMap(\.targetNames).map { ExactName($0) })
        return collections.contains { $0.rejected > 0 && dangling.contains(ExactName($0.name)) }
    }

    private var danglingStep: String {
        if status == .refused {
            return
                "Import what the references lead to as well, or leave out --fail-on-dangling: then what dangles is reported only."
        }
        let names = references.filter { $0.isTargetMissing && $0.dangling > 0 }.flatMap(\.targetNames)
        let missing = Set(names).sorted().map { "'\($0)'" }.listed("and")
        if !missing.isEmpty {
            return Set(names).count == 1
                ? "There is no collection \(missing): was it left out of the backup or the import?"
                : "There are no collections \(missing): were they left out of the backup or the import?"
        }
        if circumstances.isImportUnfinished {
            return "Let the import end, or run it again, first: what dangles may come from that."
        }
        if operation == .verify, !circumstances.namesInPart.isEmpty {
            return
                "The file has only a part of \(circumstances.namesInPart.map { "'\($0)'" }.listed("and")) (--query): what others refer to may have been left out when it was made."
        }
        return operation == .verify
            ? "What dangles is dangling in the data themselves\(file != nil && source == nil ? ", or rows are missing, of which the file says nothing" : ""): --report FILE.html and --graph FILE.svg show where."
            : isFromStream
                ? "`\(verifyCommand) --report dangling.html` shows what dangles of the references that a configuration names, or that the data show."
                : isTargetRejected
                    // To a verify with the file its rows are there, and a database alone may not show the reference.
                    ? "What dangles may refer to rows that were rejected: these come first."
                    : "`\(command("verify")) --report dangling.html` shows what dangles of the file's documents; without the file, of all documents."
    }
}
