import BackupFile
import MongoDriver
import Relations

/// Checks a file, and compares a database with it if one is named.
struct FileVerification {
    private let verify: Verify
    private let operation: OperationContext
    private let reader: BackupReader
    private let choice: FileChoice
    private let names: FileNames
    /// Nil if only the file is checked.
    private let connection: Connection?
    /// Hashes all documents that are read, if they may be compared with the database's.
    private let contents: ContentHash?
    private var report: Report

    /// - Throws: the same errors as ``Verify/run(_:)``.
    static func report(
        _ verify: Verify, _ path: String, _ target: Target?, _ operation: OperationContext
    ) throws -> Report {
        var report = Report(operation: .verify)
        report.file = path
        report.circumstances.configurationOptions = Report.options(for: verify.configuration)
        report.circumstances.choiceOptions = Report.options(
            renames: verify.renames, collections: verify.collections, exclude: verify.exclude,
            takesLegacyRows: verify.takesLegacyRows, infers: verify.infers)
        let reader: BackupReader
        do {
            reader = try BackupReader(
                try OpenFile(rereading: path, for: "verify"), check: operation.cancellation.check)
        } catch let error as BackupError where error.isAboutContent {
            report.note(damage: error)
            return report
        }
        report.note(reader.metadata)
        var verification = try FileVerification(verify, reader, target, operation, report)
        try verification.run()
        return verification.report
    }

    private init(
        _ verify: Verify, _ reader: BackupReader, _ target: Target?, _ operation: OperationContext, _ report: Report
    ) throws {
        self.verify = verify
        self.operation = operation
        self.reader = reader
        self.report = report
        let (metadata, configuration) = (reader.metadata, verify.configuration)
        choice = verify.importOptions.choice(of: metadata)
        names = FileNames(metadata: metadata, configuration: configuration, renames: verify.renames)
        // If the file lists its collections, unknown names are reported before its rows are read.
        if target != nil, let known = metadata?.collections { try choice.check(against: known.map(\.name)) }
        connection = try target.map {
            try Connection($0, database: $0.namedDatabase(else: metadata), operation.cancellation)
        }
        contents = connection != nil && metadata != nil ? ContentHash() : nil
    }

    private mutating func run() throws {
        var preflight = Preflight(
            reader: reader, server: connection?.server, connection: connection, contents: contents,
            operation: operation)
        preflight.options = verify.importOptions
        preflight.checksTimes = true
        var survey: FileSurvey
        do {
            survey = try operation.timed("read the file") { try preflight.survey() }
        } catch let error as BackupError where error.isAboutContent {
            report.note(damage: error)
            return
        }
        let legacy = try preflight.types(of: &survey)
        report.note(survey, of: reader)
        if survey.isCutShort { return }
        if reader.metadata == nil, survey.rows.isEmpty, report.rejectionCount == 0, survey.fileProblems.isEmpty {
            report.warnings.append("the file has no rows, and nothing in it says that it should have any")
        }
        try checkReferences(survey, legacy)
        if let text = survey.kinds.isMixed ? survey.kinds.text : survey.kinds.textOfLegacy { operation.info(text) }
        if let connection { try compare(survey, legacy, connection) }
    }

    /// Checks the references of the file's documents: in the file, and in the database if there is one.
    private mutating func checkReferences(_ survey: FileSurvey, _ legacy: LegacyTypes) throws {
        let configuration = verify.configuration
        let rows = survey.rows.map(\.name)
        try configuration.checkTargets(in: reader.metadata, rows: rows, connection)
        operation.warnOfUnusedReferences(configuration, in: reader.metadata, rows: rows)
        let (references, faults) = ReferenceSource.file(configuration, reader.metadata, legacy, rows: rows)
        report.differences += faults.map { .init(collection: "", kind: .file, detail: $0.description) }
        // With a database, references of collections that are left out are not checked.
        let (choice, names, isAlone) = (choice, names, connection == nil)
        let looked = references.filter { isAlone || choice.exclusion(of: $0.collection) == nil }
        let check = FileReferenceCheck(
            reader: reader, survey: survey, rules: legacy.rules, connection: connection,
            databaseName: { names.databaseName(of: $0) },
            isLeftOut: { !isAlone && choice.exclusion(of: $0) != nil }, operation: operation)
        report.references = try operation.timed("check references") { try check.run(looked) }
        operation.tellUnmetConditions(report.references)
        if let connection, let text = UnseenOptions.warning(report.references, in: connection.database) {
            operation.warning(text)
        }
        report.sortCollections(by: references)
        report.graph = report.drawing(looked)
    }

    /// Checks that everything in the file is in the database, and equal.
    private mutating func compare(_ survey: FileSurvey, _ legacy: LegacyTypes, _ connection: Connection) throws {
        report.database = connection.database
        report.server = connection.serverText
        let live = try connection.withClient { try $0.listCollections(in: connection.database) }
        report.noteState(of: live, connection, try UnfinishedImport.warning(live, connection))
        let compared = try compared(survey)
        let rows = Set(compared.rows.map(\.name))
        // A file without metadata does not list its views.
        let entries = (reader.metadata?.collections ?? []).filter { choice.exclusion(of: $0.name) == nil }
        let chosen = rows.union(entries.map(\.name)).sorted().map(names.databaseName)
        try UnseenOptions.check(chosen, among: live, in: connection.database)
        let comparison = FileDatabaseComparison(
            reader: reader, survey: compared, rules: legacy.rules, connection: connection, names: names,
            contents: contents, operation: operation)
        report.differences += try operation.timed("compare") { try comparison.run(rows, live) }
        let definitions = try DefinitionComparison(connection: connection, names: names).run(entries, live)
        report.differences += definitions.differences
        report.warnings += definitions.warnings
    }

    /// Returns the file's collections that should be in the database, including those without documents: what an import
    /// with the same choice writes. Adds the others to the report as excluded.
    /// - Throws: ``FerryError`` for names that are not in the file, or if nothing is left to compare.
    private mutating func compared(_ survey: FileSurvey) throws -> FileSurvey {
        let known = reader.metadata?.collections ?? []
        let missing = known.filter { $0.kind != .view && survey.rows(of: $0.name) == nil }
        let rows = survey.rows + missing.map { FileSurvey.Rows(name: $0.name) }
        let all = rows.map(\.name) + known.filter { $0.kind == .view }.map(\.name)
        try choice.check(against: all)
        let leftOut = reader.metadata?.excluded.map(\.name) ?? []
        operation.warnOfUnmatched(
            verify.exclude, verify.configuration, among: choice.allNames(of: all) + leftOut, in: "the file")
        report.excluded = choice.exclusions(among: all)
        guard all.isEmpty || report.excluded.count < all.count else {
            throw FerryError(
                "nothing to compare: every collection of the file is left out", kind: .usage,
                details: report.excluded.map { "\(BackupMetadata.shown($0.name)): \($0.reason)".oneLine })
        }
        try FileNames.check(
            all.filter { choice.exclusion(of: $0) == nil }.map { ($0, names.databaseName(of: $0)) },
            "would both be compared with")
        var survey = survey
        survey.setRows(rows.filter { choice.exclusion(of: $0.name) == nil })
        return survey
    }
}

extension Report {
    /// Reports that the file cannot be read any further, and nothing else of it.
    fileprivate mutating func note(damage error: BackupError) {
        rejections = [.init(collection: nil, line: error.line, id: nil, reason: error.reason)]
        rejectionCount = 1
        circumstances.unreadable = Circumstances.Unreadable(isDamaged: error.kind == .damaged, advice: error.advice)
        status = .problems
    }

    /// Reports what the file's metadata says.
    fileprivate mutating func note(_ metadata: BackupMetadata?) {
        guard let metadata else { return }
        source = metadata.sourceText
        circumstances.namesInPart = metadata.queries.map(\.name)
        circumstances.namesOfExpiring = metadata.collections.filter(\.expires).map(\.name)
        if let text = metadata.textOfLostTypes { warnings.append(text) }
    }

    /// Reports what a pass over a file found.
    fileprivate mutating func note(_ survey: FileSurvey, of reader: BackupReader) {
        rejectionCount = survey.problems.count
        circumstances.namelessCount = survey.problems.countOfNameless
        rejections = survey.problems.inOrder.map(Report.Rejection.init)
        differences = survey.fileProblems.map { .init(collection: "", kind: .file, detail: $0) }
        sha256 = reader.digest
        collections = survey.rows.map { rows in
            var outcome = CollectionOutcome(name: rows.name)
            outcome.read = rows.count + survey.unreadable[ExactName(rows.name), default: 0]
            outcome.rejected = survey.problems.count(of: rows.name)
            return outcome
        }
        let entries = reader.metadata?.collections ?? []
        for entry in entries where entry.kind != .view && survey.rows(of: entry.name) == nil {
            collections.append(CollectionOutcome(name: entry.name))
        }
        note(unreadable: survey.unreadable.filter { survey.rows(of: $0.key.text) == nil })
    }

    /// Reports circumstances that make the comparison of a database with a file doubtful.
    /// - Parameters:
    ///   - live: what the database holds.
    ///   - unfinished: the warning of an unfinished import.
    fileprivate mutating func noteState(of live: [CollectionInfo], _ connection: Connection, _ unfinished: String?) {
        if let unfinished { warnings.append(unfinished) }
        circumstances.isImportUnfinished = unfinished != nil
        guard live.isEmpty else { return }
        circumstances.isDatabaseMissing = true
        let missing = MissingDatabase(connection)
        circumstances.sameDatabaseName = missing.clash
        warnings.append(
            ([missing.text + "."] + missing.details + [missing.hint].compactMap(\.self)).joined(separator: " "))
    }
}
