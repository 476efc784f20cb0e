import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Brings a backup file into a database.
public struct Import: Sendable {
    public let target: Target
    public let options: ImportOptions
    private let open: @Sendable (OperationContext) throws -> OpenFile

    /// - Parameter file: the backup's path.
    public init(_ file: String, into target: Target, _ options: ImportOptions) {
        self.target = target
        self.options = options
        open = { operation in
            let opened = try OpenFile(reading: file)
            // A named pipe or the shell's <(…) can be read only once.
            return try opened.isRegular ? opened : Spool.file(from: opened, operation)
        }
    }

    /// - Parameter descriptor: standard input or another stream, which is spooled into a temporary file first.
    public init(spooling descriptor: Int32, into target: Target, _ options: ImportOptions) {
        self.target = target
        self.options = options
        open = { try Spool.file(from: OpenFile(borrowing: descriptor, path: Spool.standardInput), $0) }
    }

    /// Runs on a thread of its own; cancelling the task stops it cleanly.
    /// - Throws: ``FerryError``, ``MongoError``, ``FileError``, ``BackupError``; `CancellationError`.
    public func run(_ operation: OperationContext = OperationContext()) async throws -> Report {
        try await Threads.run(cancelling: operation.cancellation) { try runBlocking(operation) }
    }

    /// Runs on the calling thread, which it blocks.
    public func runBlocking(_ operation: OperationContext) throws -> Report {
        let watch = Stopwatch()
        let reader = try BackupReader(try open(operation))
        let connection = try connect(reader, operation)
        var run = ImportRun(options: options, connection: connection, reader: reader, operation: operation)
        var report = try run.run()
        report.seconds = watch.seconds
        return report
    }

    private func connect(_ reader: BackupReader, _ operation: OperationContext) throws -> Connection {
        let database: String
        if let named = target.database {
            database = named
        } else if let named = reader.metadata?.database {
            operation.info(
                "neither --db nor the connection string names a database: importing into the file's own, \(named)")
            database = named
        } else {
            throw FerryError(
                "which database? Neither --db nor the connection string nor the file names one", kind: .usage,
                details: ["Say --db NAME."])
        }
        try TargetName.check(database: database)
        return try Connection(target, database: database, forWriting: true)
    }
}

/// Copies a stream to a temporary file, so that it can be read twice.
enum Spool {
    static let standardInput = "standard input"

    static func file(from source: OpenFile, _ operation: OperationContext) throws -> OpenFile {
        let file = try OpenFile(temporaryIn: temporaryDirectory())
        let buffer = ByteBuffer(capacity: 1 << 20)
        var bytes = 0
        while true {
            // What feeds a pipe may be silent for long.
            repeat { try operation.cancellation.check() } while !source.isReadable(within: 100)
            let count = try source.read(into: buffer.storage)
            if count == 0 { break }
            bytes += count
            operation.progress(.read, source.path, bytes: bytes)
            try file.write(UnsafeRawBufferPointer(start: buffer.storage.baseAddress, count: count))
        }
        return try OpenFile(renaming: file, to: source.path)
    }
}

/// One import under way.
struct ImportRun {
    let options: ImportOptions
    let connection: Connection
    let reader: BackupReader
    let operation: OperationContext
    private var report = Report(operation: "import")
    private let rejections: RejectionLog
    /// Rows that were set aside before anything was written.
    private var preflightProblems: [RowProblem] = []
    /// Hashes documents where a merge will compare them with the database's.
    private let contents: ContentHash?
    /// References that were checked while their documents were read or written, by collection.
    private var tallied: [String: [ReferenceOutcome]] = [:]

    init(options: ImportOptions, connection: Connection, reader: BackupReader, operation: OperationContext) {
        self.options = options
        self.connection = connection
        self.reader = reader
        self.operation = operation
        rejections = RejectionLog(limit: max(1000, options.maximumRejects))
        contents =
            options.mode == .merge && options.upsertKeys == ["_id"] && reader.metadata != nil ? ContentHash() : nil
        report.mode = options.mode.rawValue
        report.isDryRun = options.isDryRun
        report.file = reader.path
        report.database = connection.database
        report.source = reader.metadata?.sourceText
    }

    private var jobs: Int { options.jobs ?? Threads.defaultJobs }

    mutating func run() throws -> Report {
        let surveyor = Surveyor(
            reader: reader, jobs: jobs, maximumDocument: connection.server.maxBsonObjectSize + 16_384,
            problemLimit: max(20, options.maximumRejects + 1), contents: contents, operation: operation)
        var survey = try operation.timed("preflight") { try surveyor.run() }
        let legacy = try LegacyTypes.resolve(&survey, reader, connection, options, operation, jobs: jobs)
        survey.problems.merge(legacy.problems)
        survey.inference = LegacyInference()
        if try refuse(&survey) { return report }
        let references = try references(legacy)
        let plan = try ImportPlanner(
            connection: connection, options: options, metadata: reader.metadata, survey: survey, references: references
        ).plan()
        guard !plan.steps.isEmpty else {
            let reason = survey.rows.isEmpty ? "the file has no rows" : "every collection is excluded"
            throw FerryError("\(reader.path): nothing to import: \(reason)")
        }
        for line in plan.lines { operation.info(line) }
        report.differences = plan.steps.flatMap { step in
            step.differences.map { .init(collection: step.name, kind: "target", detail: $0) }
        }
        if options.isDryRun {
            var report = try dryRun(plan, survey, legacy)
            report.graph = report.drawing(references)
            return report
        }
        guard try options.confirm(plan) else {
            throw FerryError("not confirmed: nothing was written", kind: .failed)
        }
        let lock = try ImportLock(connection)
        do {
            try write(plan, survey, legacy, references, lock)
        } catch {
            // What is being thrown matters more than a lock that will be taken over anyway.
            do { try lock.release() } catch { operation.warning("the import's lock could not be given back: \(error)") }
            throw error
        }
        try lock.release()
        countPreflightProblems()
        try setAside()
        do {
            try verify(plan, survey, references)
        } catch is CancellationError {
            throw FerryError(
                "interrupted", kind: .interrupted,
                details: ["Everything was written; its references were not checked. `mongoferry verify --db` does it."])
        }
        finish(legacy)
        report.graph = report.drawing(references)
        return report
    }

    /// Puts what is wrong with the file into the report.
    /// - Returns: whether the file is refused.
    private mutating func refuse(_ survey: inout FileSurvey) throws -> Bool {
        let problems = survey.problems.sorted()
        report.rejectionCount = survey.problems.count
        report.rejections = problems.prefix(1000).map(Report.Rejection.init)
        report.differences = survey.fileProblems.map { .init(collection: "", kind: "file", detail: $0) }
        let isDamaged = !survey.fileProblems.isEmpty
        let tooMany = survey.problems.count > (reader.metadata == nil ? options.maximumRejects : 0)
        guard isDamaged || tooMany else {
            preflightProblems = problems
            return false
        }
        report.status = "refused"
        let count = survey.problems.count + survey.fileProblems.count
        report.error = "nothing was written: the file has \(count) \(count == 1 ? "fault" : "faults")"
        return true
    }

    private mutating func countPreflightProblems() {
        for problem in preflightProblems {
            guard let index = report.collections.firstIndex(where: { $0.name == problem.collection }) else { continue }
            report.collections[index].rejected += 1
        }
    }

    /// Writes the rows that were not taken into a file of their own: those that the server refused, and those of the
    /// preflight where that was asked for.
    private mutating func setAside() throws {
        let problems = preflightProblems + rejections.first
        guard !problems.isEmpty else { return }
        let path = (reader.path == Spool.standardInput ? "stdin" : reader.path) + ".rejects.csv"
        let count = try RejectsFile.write(problems, of: reader, to: path)
        // Types of a file that says what it is need no guessing when the rows come again.
        let hint = reader.metadata == nil ? "" : " with --no-infer"
        operation.warning(
            "\(count) \(count == 1 ? "row was" : "rows were") set aside in \(path): mend \(count == 1 ? "it" : "them") "
                + "and import that file\(hint)")
        report.rejectsFile = path
    }

    private func references(_ legacy: LegacyTypes) throws -> [Reference] {
        if !options.configuration.references.isEmpty { return options.configuration.references }
        guard let metadata = reader.metadata else { return legacy.references }
        return metadata.references.compactMap { document in
            do {
                return try Reference(document: document)
            } catch {
                operation.warning("a reference in the metadata is not understood and is left out: \(error)")
                return nil
            }
        }
    }

    private func loader(_ survey: FileSurvey, _ legacy: LegacyTypes, _ lock: ImportLock?) -> RowLoader {
        RowLoader(
            reader: reader, connection: connection, survey: survey, rules: legacy.rules, jobs: jobs,
            rejections: rejections,
            lock: lock, operation: operation)
    }

    // MARK: Without writing

    private mutating func dryRun(_ plan: ImportPlan, _ survey: FileSurvey, _ legacy: LegacyTypes) throws -> Report {
        let loader = loader(survey, legacy, nil)
        let key = try DocumentKey(options.mode == .merge ? options.upsertKeys : ["_id"])
        var results: [RowLoader.Result] = []
        for step in plan.steps where step.way != .view {
            var outcome = CollectionOutcome(name: step.name)
            if step.liveIsView || step.entry.kind == .timeseries && step.way == .inPlace {
                outcome.inserted = step.records
                outcome.read = step.records
                outcome.deleted = step.liveCount ?? 0
            } else {
                let result = try loader.load(
                    step.name, into: connection.namespace(step.databaseName), upsertWay(step, key), isDryRun: true)
                outcome = result.outcome
                results.append(result)
                if options.mode == .replace, let live = step.liveCount {
                    outcome.deleted = max(0, live - result.matched)
                }
            }
            report.collections.append(outcome)
        }
        note(results, legacy)
        report.status = "planned"
        // What can be told without writing: rows that have no value for the upsert keys.
        noteRejections()
        return report
    }

    // MARK: Writing

    private mutating func write(
        _ plan: ImportPlan, _ survey: FileSurvey, _ legacy: LegacyTypes, _ references: [Reference], _ lock: ImportLock
    ) throws {
        let litter = try lock.removeLitter()
        if litter > 0 {
            operation.warning(
                "an earlier import was interrupted: \(litter) collections that it had left behind were removed")
        } else if lock.tookOver {
            operation.warning("an earlier import was interrupted: its lock was taken over")
        }
        var loader = loader(survey, legacy, lock)
        if options.mode == .replace {
            loader.tallying = tallying(plan, survey, references)
            var replacement = Replacement(
                connection: connection, loader: loader, lock: lock, operation: operation,
                maximumRejects: options.maximumRejects - preflightProblems.count)
            if options.failsOnDangling {
                // Before the swap, against what is staged; what is replaced in place comes later and is checked then.
                let run = self
                replacement.check = { staging, loads in
                    var run = run
                    for load in loads { run.tallied[load.outcome.name] = load.references }
                    return try run.check(plan, survey, references.filter { staging[$0.collection] != nil }, staging)
                }
            }
            let outcome = try replacement.run(plan)
            report.collections = outcome.collections
            report.references = outcome.references
            note(outcome.loads, legacy)
            for load in outcome.loads { tallied[load.outcome.name] = load.references }
            noteRejections()
            report.warnings += outcome.refusedIndexes
            if outcome.isRefused {
                for index in report.collections.indices where !outcome.swapped.contains(report.collections[index].name)
                {
                    report.collections[index].inserted = 0
                    report.collections[index].deleted = 0
                }
                report.status = "refused"
                let dangling = report.danglingCount
                report.error =
                    dangling > 0
                    ? "the live data were not touched: \(dangling) references lead nowhere, and --fail-on-dangling was said"
                    : "the live data were not touched: the server refused \(rejections.count) documents and \(outcome.refusedIndexes.count) indexes"
            } else if !outcome.refusedIndexes.isEmpty || rejections.count > 0 {
                report.status = "problems"
                report.error =
                    "replaced without the \(rejections.count) documents and \(outcome.refusedIndexes.count) indexes that the server refused"
            }
            return
        }
        let tallying = tallying(plan, survey, references)
        let compared = try compare(plan, survey, tallying)
        loader.tallying = tallying
        try upsert(plan, loader, legacy, compared)
    }

    private mutating func upsert(
        _ plan: ImportPlan, _ loader: RowLoader, _ legacy: LegacyTypes, _ compared: [String: LiveComparison.Result]
    ) throws {
        let key = try DocumentKey(options.upsertKeys)
        var results: [RowLoader.Result] = []
        for step in plan.steps {
            do {
                try operation.cancellation.check()
                try prepare(step) { !step.comesAfterTheDocuments($0) }
                guard step.way != .view else { continue }
                let isOrdered = step.entry.options["capped"]?.bool == true || step.entry.kind == .timeseries
                if let found = compared[step.name], found.equal.count == step.records {
                    var outcome = CollectionOutcome(name: step.name)
                    outcome.read = step.records
                    outcome.unchanged = step.records
                    report.collections.append(outcome)
                    tallied[step.name] = found.outcomes
                    continue
                }
                var loader = loader
                if !step.wasEmpty { loader.tallying = nil }
                let known = compared[step.name].flatMap { found in
                    contents.flatMap { contents in
                        loader.survey.rows(of: step.name).map {
                            KnownRows(ids: $0.ids, equal: found.equal, contents: contents)
                        }
                    }
                }
                let result = try loader.load(
                    step.name, into: connection.namespace(step.databaseName), upsertWay(step, key),
                    writers: isOrdered ? 1 : nil, known: known)
                if step.wasEmpty {
                    tallied[step.name] = result.references
                    try prepare(step) { step.comesAfterTheDocuments($0) }
                }
                report.collections.append(result.outcome)
                results.append(result)
            } catch {
                let done = report.collections.map(\.name)
                throw FerryError(
                    "\(step.databaseName): \(Replacement.text(error))",
                    kind: error is CancellationError ? .interrupted : .failed,
                    details: [
                        "Done: \(done.isEmpty ? "none" : done.joined(separator: ", ")). Written in part: \(step.name).",
                        "Run the import again: it goes on where this one stopped.",
                    ])
            }
        }
        note(results, legacy)
        noteRejections()
    }

    /// How merge and insert write a collection; a dry run of replace counts as a merge would.
    private func upsertWay(_ step: ImportPlan.Step, _ key: DocumentKey) -> DocumentWriter.Way {
        if step.entry.kind == .timeseries {
            let isNew = (step.liveCount ?? 0) == 0
            let timeField = step.entry.options["timeseries"]?.document?["timeField"]?.string
            return .measurements(timeField: isNew ? nil : timeField)
        }
        if step.wasEmpty, key.isID, !options.isDryRun {
            return step.way == .insert ? .insertIntoEmpty : .mergeIntoEmpty
        }
        return step.way == .insert ? .insert : .merge(key)
    }

    /// Creates what is missing: the collection, the view, those indexes that are wanted now.
    private mutating func prepare(_ step: ImportPlan.Step, indexes isWanted: (Document) -> Bool) throws {
        let refused = try connection.withClient { client in
            let builder = CollectionBuilder(client: client, database: connection.database)
            let names = try client.listCollections(in: connection.database, readPreference: .primary).map(\.name)
            if !names.contains(step.databaseName) { try builder.create(step.entry, as: step.databaseName) }
            guard step.way != .view else { return [String]() }
            let present = Set(
                try client.listIndexes(of: connection.namespace(step.databaseName), readPreference: .primary)
                    .compactMap { $0["name"]?.string })
            let missing = step.entry.indexes.filter { !present.contains($0["name"]?.string ?? "") && isWanted($0) }
            return try builder.build(
                missing, on: step.databaseName, inheriting: (step.liveOptions ?? step.entry.options)["collation"])
        }
        for text in refused { report.warnings.append("the server refuses \(text)") }
    }

    private mutating func note(_ results: [RowLoader.Result], _ legacy: LegacyTypes) {
        var total: ConversionCounts?
        for counts in results.compactMap(\.conversions) {
            if total == nil { total = counts } else { total?.merge(counts) }
        }
        if let total, let resolution = legacy.resolution {
            let conversions = ConversionReport(resolution, counts: total)
            for line in conversions.lines { operation.info(line) }
            report.conversions = [conversions.document]
        }
    }

    private mutating func noteRejections() {
        report.rejectionCount += rejections.count
        report.rejections += rejections.first.map(Report.Rejection.init)
        if rejections.count > 0 { report.status = "problems" }
    }

    // MARK: Afterwards

    private mutating func verify(_ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference]) throws {
        guard report.status == "done" || report.status == "problems" else { return }
        report.references = try check(plan, survey, references, [:])
    }

    /// - Parameter staging: what collections are called for now, by their names in the file.
    private func check(
        _ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference], _ staging: [String: String]
    ) throws -> [ReferenceOutcome] {
        let names = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.name, staging[$0.name] ?? $0.databaseName) })
        var check = referenceCheck(names)
        // What has just been written needn't be asked for; where rows were not taken, the file does not tell.
        let tallied = rejections.count == 0 ? tallied.filter { names[$0.key] != nil } : [:]
        if rejections.count == 0, knowsIDs { check.knownIDs = knownIDs(plan, survey) }
        let open = references.filter { names[$0.collection] != nil && tallied[$0.collection] == nil }
        let checked = try operation.timed("verify references") { try check.run(open) }
        return (checked + tallied.values.joined()).sorted {
            ($0.collection, $0.path, $0.target) < ($1.collection, $1.path, $1.target)
        }
    }

    /// Whether the hashes of the survey are those of the `_id`s that are written: of legacy rows, some may be set aside.
    private var knowsIDs: Bool { reader.metadata != nil && options.upsertKeys == ["_id"] }

    private func knownIDs(_ plan: ImportPlan, _ survey: FileSurvey) -> @Sendable (String) -> RecordHashes? {
        // Measurements of a time series have no ids to go by, and views no rows.
        let known = Set(plan.steps.filter { $0.way != .view && $0.entry.kind == .collection }.map(\.name))
        return { known.contains($0) ? survey.rows(of: $0)?.ids ?? RecordHashes() : nil }
    }

    private func referenceCheck(_ names: [String: String]) -> ReferenceCheck {
        let configuration = options.configuration
        return ReferenceCheck(connection: connection, operation: operation) {
            names[$0] ?? configuration.databaseName(of: $0)
        }
    }

    /// What to check references with while their documents are read or written, which saves reading them again.
    /// - Returns: nil where the file does not tell what will be there.
    private func tallying(
        _ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference]
    ) -> (check: ReferenceCheck, references: [Reference], live: Set<String>)? {
        guard knowsIDs else { return nil }
        let names = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.name, $0.databaseName) })
        var check = referenceCheck(names)
        let knownIDs = knownIDs(plan, survey)
        check.knownIDs = knownIDs
        if options.mode == .replace { check.isKnownWhole = { knownIDs($0) != nil } }
        // What else is being written can be asked for only when it is there.
        let later = Set(
            references.filter { names[$0.target] != nil && ($0.targetPath != .id || knownIDs($0.target) == nil) }
                .map(\.collection))
        return (
            check, references.filter { names[$0.collection] != nil && !later.contains($0.collection) },
            Set(names.values).union(plan.untouched)
        )
    }

    /// Compares the collections that are there already with the file, where that is less work than looking up.
    private func compare(
        _ plan: ImportPlan, _ survey: FileSurvey,
        _ tallying: (check: ReferenceCheck, references: [Reference], live: Set<String>)?
    ) throws -> [String: LiveComparison.Result] {
        guard let contents else { return [:] }
        let collections = plan.steps.compactMap { step -> (rows: FileSurvey.Rows, namespace: Namespace)? in
            guard step.way == .merge, step.entry.kind == .collection, let live = step.liveCount, !step.liveIsView,
                let rows = survey.rows(of: step.name),
                LiveComparison.isWorthwhile(records: rows.count, live: live)
            else { return nil }
            return (rows, connection.namespace(step.databaseName))
        }
        let comparison = LiveComparison(
            connection: connection, contents: contents, jobs: jobs, operation: operation, references: tallying)
        return try operation.timed("compare") { try comparison.run(collections) }
    }

    private mutating func finish(_ legacy: LegacyTypes) {
        guard report.status == "done" else { return }
        let dangles = options.failsOnDangling && report.danglingCount > 0
        if report.rejectionCount > 0 || !report.warnings.isEmpty || dangles { report.status = "problems" }
    }
}
