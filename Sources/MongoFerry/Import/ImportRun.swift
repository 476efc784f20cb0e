import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// One import under way.
struct ImportRun {
    let options: ImportOptions
    let connection: Connection
    let reader: BackupReader
    let operation: OperationContext
    var report = Report(operation: "import")
    let rejections: RejectionLog
    /// By what documents are found: by `_id`, unless a merge says otherwise.
    let key: DocumentKey
    /// Rows that were set aside before anything was written.
    var preflightProblems: [RowProblem] = []
    /// Hashes documents where a merge will compare them with the database's.
    let contents: ContentHash?
    /// References that were checked while their documents were read or written, by collection.
    var tallied: [String: [ReferenceOutcome]] = [:]

    /// - Throws: ``FerryError`` for fields that cannot be keys.
    init(options: ImportOptions, connection: Connection, reader: BackupReader, operation: OperationContext) throws {
        var options = options
        options.maximumRejects = min(max(options.maximumRejects, 0), Self.mostRejects)
        self.options = options
        self.connection = connection
        self.reader = reader
        self.operation = operation
        rejections = RejectionLog(limit: max(1000, options.maximumRejects))
        key = try DocumentKey(options.mode == .merge ? options.upsertKeys : ["_id"])
        contents = options.mode == .merge && key.isID && reader.metadata != nil ? ContentHash() : nil
        report.mode = options.mode.rawValue
        report.isDryRun = options.isDryRun
        report.file = reader.path
        report.database = connection.database
        report.source = reader.metadata?.sourceText
    }

    /// More rows than any file has, and few enough that no sum of them overflows.
    private static let mostRejects = 1 << 40

    var jobs: Int { Threads.jobs(options.jobs) }

    mutating func run() throws -> Report {
        let preflight = Preflight(
            reader: reader, options: options, server: connection.server, connection: connection, jobs: jobs,
            problemLimit: max(20, options.maximumRejects + 1), contents: contents, operation: operation)
        var (survey, early) = try Import.beforeWriting { try surveyed(preflight) }
        let legacy = try preflight.types(of: &survey)
        if try refuse(&survey) { return report }
        if survey.kinds.isMixed { operation.info(survey.kinds.text) }
        report.warnings += legacy.warnings
        let references = references(legacy, survey)
        let planner = try planner(survey.rows)
        report.excluded = planner.excluded
        operation.warnOfUnmatched(options.exclude, among: planner.names, in: "the file")
        let there = try early ?? LiveCatalog(connection, names: planner.databaseNames)
        var plan = try planner.plan(survey, references, there)
        if there.collections.isEmpty { plan.missing = try missingDatabase() }
        guard !plan.steps.isEmpty else {
            let reason = survey.rows.isEmpty ? "the file has no rows" : "every collection is excluded"
            throw FerryError("\(reader.path): nothing to import: \(reason)")
        }
        if !key.isID {
            let merged = plan.steps.filter { $0.way == .merge && $0.entry.kind == .collection }.map(\.name)
            try SharedKeySearch(
                reader: reader, key: key, rules: legacy.rules, names: Set(merged), operation: operation
            ).run(&survey)
            if try refuse(&survey) { return report }
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
        try checkPlaceOfRejects()
        // Nobody who has said stop is asked a question.
        try operation.cancellation.check()
        guard try options.confirm(plan) else {
            throw FerryError("not confirmed: nothing was written", kind: .failed)
        }
        let lock = try ImportLock(connection)
        do {
            try write(plan, survey, legacy, references, lock)
        } catch {
            giveBack(lock)
            throw error
        }
        giveBack(lock)
        // From here on everything is written: what fails is told beside what was done, not instead of it.
        countPreflightProblems()
        do {
            report.warnings += try lostFromCapped(plan)
        } catch {
            report.warnings.append("what capped collections have kept could not be counted: \(error)")
        }
        do {
            try setAside(survey)
        } catch {
            report.warnings.append("the rows that were not taken could not be set aside: \(Replacement.text(error))")
        }
        do {
            try verify(plan, survey, references)
        } catch is CancellationError {
            throw FerryError(
                "interrupted", kind: .interrupted,
                details: ["Everything was written; its references were not checked."],
                advice: ["`mongoferry verify --db \(Report.shellWord(connection.database))` checks them."])
        } catch {
            report.warnings.append(
                "everything was written, but its references could not be checked; `mongoferry verify --db` does it: \(error)"
            )
        }
        finish(legacy)
        report.graph = report.drawing(references)
        return report
    }

    /// Reads the file; what the database has is asked for meanwhile, where the file says at once what is in it.
    private func surveyed(_ preflight: Preflight) throws -> (FileSurvey, LiveCatalog?) {
        try operation.timed("preflight") {
            guard reader.metadata != nil else { return (try preflight.survey(), nil) }
            let names = try planner([]).databaseNames
            return try LiveCatalog.asked(connection, names: names) { try preflight.survey() }
        }
    }

    /// Nil where the database is there and empty, or the server does not say which there are.
    /// - Throws: ``FerryError`` where the server would refuse to create it.
    private func missingDatabase() throws -> MissingDatabase? {
        guard let names = try? connection.withClient({ try $0.listDatabaseNames(readPreference: .primary) }),
            !names.contains(where: { $0.hasSameBytes(as: connection.database) })
        else { return nil }
        let missing = MissingDatabase(connection.database, among: names)
        if let clash = missing.clash {
            throw FerryError(
                "the server has '\(clash)', and takes no second name that differs in case only",
                details: ["Nothing was written."], advice: ["Use --db \(Report.shellWord(clash))."])
        }
        return missing
    }

    private func planner(_ rows: [FileSurvey.Rows]) throws -> ImportPlanner {
        try ImportPlanner(
            database: connection.database, options: options, metadata: reader.metadata, collections: rows)
    }

    /// Puts what is wrong with the file into the report.
    /// - Returns: whether the file is refused.
    mutating func refuse(_ survey: inout FileSurvey) throws -> Bool {
        let problems = survey.problems.sorted()
        report.rejectionCount = survey.problems.count
        report.rejections = problems.prefix(1000).map(Report.Rejection.init)
        report.differences = survey.fileProblems.map { .init(collection: "", kind: "file", detail: $0) }
        let isDamaged = !survey.fileProblems.isEmpty
        let tooMany = survey.problems.count > options.maximumRejects
        guard isDamaged || tooMany else {
            preflightProblems = problems
            return false
        }
        report.status = "refused"
        let count = survey.problems.count + survey.fileProblems.count
        report.error = "nothing was written: the file has \(count.counted("fault"))"
        return true
    }

    /// What was or was not written matters more than a lock that will be taken over anyway.
    private func giveBack(_ lock: ImportLock) {
        do {
            try lock.release()
        } catch {
            operation.warning(
                "the import's lock could not be given back, and holds the next one up for \(ImportLock.staleSeconds) seconds: \(error)"
            )
        }
    }

    mutating func countPreflightProblems() {
        for problem in preflightProblems {
            guard let index = report.collections.firstIndex(where: { $0.name == problem.collection }) else { continue }
            report.collections[index].rejected += 1
        }
    }

    func references(_ legacy: LegacyTypes, _ survey: FileSurvey) -> [Reference] {
        operation.warnOfUnusedReferences(
            options.configuration, in: reader.metadata, rows: survey.rows.map(\.name)
        ) { options.choice.exclusion(of: $0) != nil }
        let (references, faults) = ReferenceSource.file(options.configuration, reader.metadata, legacy)
        for fault in faults { operation.warning(fault.warning) }
        return references
    }

    func loader(_ survey: FileSurvey, _ legacy: LegacyTypes, _ lock: ImportLock?) -> RowLoader {
        RowLoader(
            reader: reader, connection: connection, survey: survey, rules: legacy.rules, jobs: jobs,
            rejections: rejections,
            lock: lock, operation: operation)
    }

    mutating func finish(_ legacy: LegacyTypes) {
        guard report.status == "done" else { return }
        let dangles = options.failsOnDangling && report.danglingCount > 0
        if report.rejectionCount > 0 || !report.warnings.isEmpty || dangles { report.status = "problems" }
    }
}
