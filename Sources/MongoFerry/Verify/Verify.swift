import BSON
import BackupFile
import MongoDriver
import Relations

/// Checks a file, a database, or one against the other.
public struct Verify: Sendable {
    /// The backup's path; nil to check the database alone.
    public let file: String?
    /// The database; nil to check the file alone.
    public let target: Target?
    /// Names, exclusions, references and types of legacy rows; counts before what the file or the data say.
    public let configuration: Configuration
    /// Names in the file and what they are called in the database instead.
    public var renames: [String: String] = [:]
    /// Names or globs of collections in the file that are looked for in the database; empty for all.
    public var collections: [Glob] = []
    /// Names or globs of collections in the file that need not be in the database.
    public var exclude: [Glob] = []
    /// Whether a file without metadata may have legacy rows; false takes its rows as they are, as Extended JSON.
    public var takesLegacyRows = true
    /// Whether the types of legacy rows are inferred; false leaves only the configuration, as an import was told.
    public var infers = true

    /// - Parameters:
    ///   - file: a backup: seal, counts, rows, duplicate ids, references.
    ///   - target: a database: references. With a file: is everything in the file there, equal?
    public init(file: String?, target: Target?, configuration: Configuration = Configuration()) {
        self.file = file
        self.target = target
        self.configuration = configuration
    }

    /// Runs on a thread of its own; cancelling the task stops it cleanly.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``, ``FileError``, ``BackupError``;
    ///   `CancellationError`.
    public func run(_ operation: OperationContext = OperationContext()) async throws -> Report {
        try await Threads.run(cancelling: operation.cancellation) { try runBlocking(operation) }
    }

    /// Runs on the calling thread, which it blocks.
    /// - Throws: as ``run(_:)``.
    public func runBlocking(_ operation: OperationContext) throws -> Report {
        let watch = Stopwatch()
        if let target { operation.warnOfIgnoredOptions(target) }
        var report: Report
        switch (file, target) {
        case (let file?, let target): report = try verifyFile(file, target, operation)
        case (nil, let target?): report = try verifyDatabase(target, operation)
        case (nil, nil): throw FerryError("nothing to verify: name a file, --db, or both", kind: .usage)
        }
        let isDifferent = report.differences.contains(where: \.kind.isProblem)
        if report.rejectionCount > 0 || report.danglingCount > 0 || isDifferent { report.status = .problems }
        report.targetOptions = target?.options ?? []
        report.connectionWarnings = target?.warnings ?? []
        report.seconds = watch.seconds
        return report
    }

    // MARK: A database alone

    private func verifyDatabase(_ target: Target, _ operation: OperationContext) throws -> Report {
        let database = try target.namedDatabase(orFile: true)
        let (connection, found) = try Connection.listing(target, database: database, operation.cancellation)
        let catalog = try Catalog(database, found, configuration: configuration)
        try catalog.requireSomething(of: connection)
        try configuration.checkTargets { found.map(\.name) }
        var report = Report(operation: .verify)
        report.database = database
        report.server = connection.serverText
        report.hasDiscoveredReferences = configuration.references.isEmpty
        report.excluded = catalog.excluded
        let unfinished = try UnfinishedImport.warning(found, connection)
        report.warnings += [UnseenOptions.warning(found, in: database), unfinished].compactMap(\.self)
        report.isImportUnfinished = unfinished != nil
        operation.warnOfUnusedReferences(configuration, inDatabase: found.map(\.name))
        let sizes = try connection.sizes(of: catalog.entries)
        let references = try ReferenceSource.live(connection, catalog, sizes, configuration, operation, .thorough)
        let names = Dictionary(uniqueKeysWithValues: catalog.entries.map { ($0.name, $0.databaseName) })
        let check = ReferenceCheck(connection: connection, operation: operation) {
            names[$0] ?? configuration.databaseName(of: $0)
        }
        report.references = try check.run(references)
        for entry in catalog.entries where entry.kind != .view {
            var outcome = CollectionOutcome(name: entry.name)
            outcome.read = sizes[entry.databaseName]?.count ?? 0
            report.collections.append(outcome)
        }
        report.sortCollections(by: references)
        report.graph = report.drawing(references)
        return report
    }

    // MARK: A file

    private func verifyFile(_ path: String, _ target: Target?, _ operation: OperationContext) throws -> Report {
        var report = Report(operation: .verify)
        report.file = path
        report.configurationOptions = Report.options(for: configuration)
        report.choiceOptions = Report.options(
            renames: renames, collections: collections, exclude: exclude, takesLegacyRows: takesLegacyRows,
            infers: infers)
        let reader: BackupReader
        do {
            reader = try BackupReader(try OpenFile(rereading: path, for: "verify"))
            reader.check = operation.cancellation.check
        } catch let error as BackupError where error.isAboutContent {
            return Self.damaged(report, error)
        }
        report.source = reader.metadata?.sourceText
        report.namesInPart = reader.metadata?.queries.map(\.name) ?? []
        report.namesOfExpiring = reader.metadata?.collections.filter(\.expires).map(\.name) ?? []
        if let text = reader.metadata?.textOfLostTypes { report.warnings.append(text) }
        let choice = choice(of: reader.metadata)
        // A name that is not there is told before the rows are read, where the file says what is in it.
        if target != nil, let known = reader.metadata?.collections { try choice.check(against: known.map(\.name)) }
        let connection = try target.map {
            try Connection($0, database: $0.namedDatabase(else: reader.metadata), operation.cancellation)
        }
        let contents = connection != nil && reader.metadata != nil ? ContentHash() : nil
        var preflight = Preflight(
            reader: reader, server: connection?.server, connection: connection, contents: contents,
            operation: operation)
        preflight.options.configuration = configuration
        preflight.options.renames = renames
        preflight.options.takesLegacyRows = takesLegacyRows
        preflight.options.infers = infers
        var survey: FileSurvey
        do {
            survey = try preflight.survey()
        } catch let error as BackupError where error.isAboutContent {
            return Self.damaged(report, error)
        }
        let legacy = try preflight.types(of: &survey)
        report.note(&survey, of: reader)
        if survey.isCutShort { return report }
        if reader.metadata == nil, survey.rows.isEmpty, report.rejectionCount == 0, survey.fileProblems.isEmpty {
            report.warnings.append("the file has no rows, and nothing in it says that it should have any")
        }
        try configuration.checkTargets(in: reader.metadata, rows: survey.rows.map(\.name), connection)
        operation.warnOfUnusedReferences(configuration, in: reader.metadata, rows: survey.rows.map(\.name))
        let (references, faults) = ReferenceSource.file(
            configuration, reader.metadata, legacy, rows: survey.rows.map(\.name))
        report.differences += faults.map { .init(collection: "", kind: .file, detail: $0.description) }
        let names = FileNames(metadata: reader.metadata, configuration: configuration, renames: renames)
        // What is not to be in the database is not looked for there either.
        let looked = connection == nil ? references : references.filter { choice.exclusion(of: $0.collection) == nil }
        report.references = try FileReferenceCheck(
            reader: reader, survey: survey, rules: legacy.rules, connection: connection,
            databaseName: { names.databaseName(of: $0) },
            isLeftOut: { connection != nil && choice.exclusion(of: $0) != nil }, operation: operation
        )
        .run(looked)
        report.sortCollections(by: references)
        report.graph = report.drawing(looked)
        guard let connection else { return report }
        report.database = connection.database
        report.server = connection.serverText
        let live = try connection.withClient { try $0.listCollections(in: connection.database) }
        report.noteState(of: live, connection, try UnfinishedImport.warning(live, connection))
        let compared = try compared(reader, survey, &report, operation)
        // A file without metadata says nothing of views.
        let entries = (reader.metadata?.collections ?? []).filter { choice.exclusion(of: $0.name) == nil }
        let chosen = Set(compared.rows.map(\.name) + entries.map(\.name)).sorted().map(names.databaseName)
        try UnseenOptions.check(chosen, among: live, in: connection.database)
        report.differences += try FileDatabaseComparison(
            reader: reader, survey: compared, rules: legacy.rules, connection: connection, names: names,
            contents: contents, operation: operation
        ).run(Set(compared.rows.map(\.name)), live)
        let definitions = try DefinitionComparison(connection: connection, names: names).run(entries, live)
        report.differences += definitions.differences
        report.warnings += definitions.warnings
        return report
    }

    private func choice(of metadata: BackupMetadata?) -> FileChoice {
        FileChoice(
            collections: collections, exclude: exclude, renames: renames, configuration: configuration,
            metadata: metadata)
    }

    /// The collections of the file that are to be in the database: what an import with the same choice writes. Those
    /// without documents are among them; the others go into the report.
    /// - Throws: ``FerryError`` for names that are not in the file.
    private func compared(
        _ reader: BackupReader, _ survey: FileSurvey, _ report: inout Report, _ operation: OperationContext
    ) throws -> FileSurvey {
        let known = reader.metadata?.collections ?? []
        let missing = known.filter { $0.kind != .view && survey.rows(of: $0.name) == nil }
        let rows = survey.rows + missing.map { FileSurvey.Rows(name: $0.name) }
        let names = rows.map(\.name) + known.filter { $0.kind == .view }.map(\.name)
        let choice = choice(of: reader.metadata)
        try choice.check(against: names)
        let leftOut = reader.metadata?.excluded.map(\.name) ?? []
        operation.warnOfUnmatched(
            exclude, configuration, among: choice.allNames(of: names) + leftOut, in: "the file")
        report.excluded = choice.exclusions(among: names)
        guard names.isEmpty || report.excluded.count < names.count else {
            throw FerryError(
                "nothing to compare: every collection of the file is left out", kind: .usage,
                details: report.excluded.map { "\($0.name): \($0.reason)" })
        }
        let fileNames = FileNames(metadata: reader.metadata, configuration: configuration, renames: renames)
        try FileNames.check(
            names.filter { choice.exclusion(of: $0) == nil }.map { ($0, fileNames.databaseName(of: $0)) },
            "would both be compared with")
        var survey = survey
        survey.setRows(rows.filter { choice.exclusion(of: $0.name) == nil })
        return survey
    }

    private static func damaged(_ report: Report, _ error: BackupError) -> Report {
        var report = report
        report.rejections = [.init(collection: nil, line: error.line, id: nil, reason: error.reason)]
        report.rejectionCount = 1
        report.unreadable = Report.Unreadable(
            isDamaged: error.kind == .damaged, advice: error.advice)
        report.status = .problems
        return report
    }
}

extension Report {
    /// Tells what a pass over a file found.
    fileprivate mutating func note(_ survey: inout FileSurvey, of reader: BackupReader) {
        rejectionCount = survey.problems.count
        rejections = survey.problems.sorted().map(Report.Rejection.init)
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

    /// Says what of a database makes its comparison with a file doubtful.
    /// - Parameters:
    ///   - live: what the database holds.
    ///   - unfinished: what an import has left there.
    fileprivate mutating func noteState(of live: [CollectionInfo], _ connection: Connection, _ unfinished: String?) {
        if let unfinished { warnings.append(unfinished) }
        isImportUnfinished = unfinished != nil
        guard live.isEmpty else { return }
        isDatabaseMissing = true
        let missing = MissingDatabase(connection)
        warnings.append(
            ([missing.text + "."] + missing.details + [missing.hint].compactMap(\.self)).joined(separator: " "))
    }

    /// Puts the collections into import order.
    fileprivate mutating func sortCollections(by references: [Reference]) {
        let order = ReferenceGraph(collections: collections.map(\.name), references: references).order
        let places = Dictionary(order.enumerated().map { ($1, $0) }) { first, _ in first }
        collections.sort { places[$0.name] ?? 0 < places[$1.name] ?? 0 }
    }
}
