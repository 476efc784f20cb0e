import BSON
import BackupFile
import MongoDriver
import Relations

extension ImportRun {
    /// What is known before anything is written.
    struct Prepared {
        var plan: ImportPlan
        let survey: FileSurvey
        let legacy: LegacyTypes
        let references: [Reference]
    }

    /// How to count live documents: a replace drops them, and needs more than an estimate.
    private var counting: LiveCatalog.Counting {
        guard options.mode == .replace else { return .estimated }
        return options.isDryRun ? .exact : .steady
    }

    /// Reads the file and makes the plan.
    /// - Returns: nil if the file is refused; the report says why.
    mutating func prepare() throws -> Prepared? {
        let preflight = Preflight(
            reader: reader, options: options, server: connection.server, connection: connection, jobs: jobs,
            problemLimit: min(max(20, options.maximumRejects + 1), ProblemList.usualLimit),
            lineLimit: options.maximumRejects, contents: contents,
            operation: operation)
        var (survey, early) = try surveyed(preflight)
        let legacy = try preflight.types(of: &survey)
        if try refuse(survey) { return nil }
        if survey.kinds.isMixed { operation.warning(survey.kinds.text) }
        if let text = reader.metadata?.textOfLostTypes { operation.warning(text) }
        let choice = options.choice(of: reader.metadata)
        report.warnings += legacy.warnings { choice.exclusion(of: $0) != nil }
        let references = try references(legacy, survey)
        var plan = try plan(survey, references, early)
        if !key.isID {
            let merged = plan.steps.filter { $0.way == .merge && $0.entry.kind == .collection }.map(\.name)
            try SharedKeySearch(
                reader: reader, key: key, rules: legacy.rules, names: Set(merged), operation: operation
            ).run(&survey)
            if try refuse(survey) { return nil }
        }
        if try findUntimedMeasurements(plan, &survey, legacy) {
            if try refuse(survey) { return nil }
            try planner(survey.rows).checkSomethingIsLeft(of: plan.steps, survey)
        }
        if let text = survey.kinds.textOfLegacy { operation.info(text) }
        noteProblemsOfLeftOut()
        for index in plan.steps.indices {
            plan.steps[index].setAside = survey.problemCount(amongRowsOf: plan.steps[index].name)
        }
        plan.setAside = (preflightProblems.count, preflightProblems.inOrder.first)
        let prepared = Prepared(plan: plan, survey: survey, legacy: legacy, references: references)
        try checkAllIsSeen(prepared)
        return prepared
    }

    /// Finds rows that a time series would not accept. In a file without metadata, only the database tells which rows
    /// are measurements, and a time series is dropped before its new measurements are written.
    /// - Returns: whether it looked for any.
    private func findUntimedMeasurements(
        _ plan: ImportPlan, _ survey: inout FileSurvey, _ legacy: LegacyTypes
    ) throws -> Bool {
        guard options.mode == .replace, reader.metadata == nil else { return false }
        let fields = plan.steps.compactMap { step -> (ExactName, String)? in
            guard step.entry.kind == .timeseries else { return nil }
            return step.entry.options.timeField.map { (ExactName(step.name), $0) }
        }
        guard !fields.isEmpty else { return false }
        try MeasurementTimes(
            reader: reader, fields: Dictionary(fields) { first, _ in first }, rules: legacy.rules, operation: operation
        ).run(&survey)
        return true
    }

    /// - Parameter early: the state of the database, if already queried.
    private mutating func plan(
        _ survey: FileSurvey, _ references: [Reference], _ early: LiveCatalog?
    ) throws -> ImportPlan {
        let planner = try planner(survey.rows)
        report.excluded = planner.excluded
        let leftOut = reader.metadata?.excluded.map(\.name) ?? []
        operation.warnOfUnmatched(
            options.exclude, options.configuration, among: planner.names + leftOut, in: "the file")
        let there =
            try early
            ?? LiveCatalog(
                connection, names: planner.databaseNames, counting: counting)
        if options.mode == .replace { try planner.checkExclusions(there) }
        // An import that writes reports it later, under the lock.
        if options.isDryRun, let text = try UnfinishedImport.warning(there.collections, connection) {
            operation.warning(text)
        }
        var plan = try planner.plan(survey, references, there)
        plan.server = connection.serverText
        plan.isSharded = connection.server.topology == .sharded
        plan.bypassesValidation = options.bypassesValidation
        plan.isDryRun = options.isDryRun
        plan.isOfRejects = reader.metadata == nil && RejectsFile.isName(reader.path)
        plan.versions = newerFile()
        if there.collections.isEmpty { plan.missing = try missingDatabase() }
        guard !plan.steps.isEmpty else {
            let isEmpty = survey.rows.isEmpty
            let rows = survey.problems.count > 0 ? "none of the file's rows can be read" : "the file has no rows"
            throw FerryError(
                "\(reader.path): nothing to import: \(isEmpty ? rows : "every collection is excluded")",
                kind: isEmpty ? .failed : .usage)
        }
        return plan
    }

    /// - Throws: ``FerryError`` if what dangles is to stop the import, and the user cannot see the targets.
    private func checkAllIsSeen(_ prepared: Prepared) throws {
        guard options.failsOnDangling, let unseen = references(of: prepared).unseen else { return }
        throw FerryError(
            "a reference cannot be checked (--fail-on-dangling): the user cannot see \(BackupMetadata.shown(unseen.target)), to which \(BackupMetadata.shown(unseen.collection)) refers",
            kind: .failed, details: [FerryError.nothingWritten],
            advice: [
                "Give the user the action listCollections on \(connection.database), which the role read has, or leave --fail-on-dangling out."
            ])
    }

    /// The versions of both servers if the file's is newer; nil also if the file does not state its version, or if only
    /// the last number differs.
    private func newerFile() -> (file: String, here: String)? {
        guard let version = reader.metadata?.serverVersion else { return nil }
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2, connection.server.versionNumbers.prefix(2).lexicographicallyPrecedes(numbers) else {
            return nil
        }
        return (version, connection.server.version)
    }

    /// Reads the file. If it has metadata, which name its collections, the database is queried meanwhile.
    private func surveyed(_ preflight: Preflight) throws -> (FileSurvey, LiveCatalog?) {
        try operation.timed("preflight") {
            guard reader.metadata != nil else { return (try preflight.survey(), nil) }
            let names = try planner([]).databaseNames
            return try LiveCatalog.asked(connection, names: names, counting: counting) {
                try preflight.survey()
            }
        }
    }

    /// Nil if the database exists and is empty, or if the server does not list its databases.
    /// - Throws: ``FerryError`` if the server would refuse to create it.
    private func missingDatabase() throws -> MissingDatabase? {
        guard let names = try? connection.withClient({ try $0.listDatabaseNames(readPreference: .primary) }),
            !names.contains(where: { $0.hasSameBytes(as: connection.database) })
        else { return nil }
        let missing = MissingDatabase(connection.database, among: names)
        if let clash = missing.clash {
            throw FerryError(
                "the server has '\(clash)', and takes no second name that differs in case only",
                details: [FerryError.nothingWritten], advice: ["Use --db \(clash.shellWord)."])
        }
        return missing
    }

    func planner(_ rows: [FileSurvey.Rows]) throws -> ImportPlanner {
        try ImportPlanner(
            database: connection.database, options: options, metadata: reader.metadata, collections: rows)
    }

    /// Adds the file's faults to the report.
    /// - Returns: whether the file is refused.
    private mutating func refuse(_ survey: FileSurvey) throws -> Bool {
        let problems = survey.problems.inOrder
        report.rejectionCount = survey.problems.count
        report.circumstances.namelessCount = survey.problems.countOfNameless
        report.rejections = problems.map(Report.Rejection.init)
        report.differences = survey.fileProblems.map { .init(collection: "", kind: .file, detail: $0) }
        let isDamaged = !survey.fileProblems.isEmpty
        let tooMany = survey.problems.count > options.maximumRejects
        guard isDamaged || tooMany else {
            preflightProblems = survey.problems
            return false
        }
        report.status = .refused
        let count = survey.problems.count + survey.fileProblems.count
        report.error = "nothing was written: the file has \(count.counted("fault"))"
        let choice = options.choice(of: reader.metadata)
        let leftOut = survey.problems.filter { name in name.map { choice.exclusion(of: $0) != nil } ?? false }.count
        if leftOut > 0, !isDamaged {
            let those = leftOut == 1 ? "One of these rows is" : "\(leftOut.grouped) of these rows are"
            report.advice.append(
                "\(those) of collections that are left out. They count all the same: a row that is not closed may hold others'. \(reader.metadata == nil ? "Mend the rows" : "Export again"), or go on without them with --max-rejects \(survey.problems.count)."
            )
        }
        return true
    }

    /// Removes bad rows of collections that are left out, and warns of them: set aside, corrected and imported again,
    /// they would be written to those collections after all.
    mutating func noteProblemsOfLeftOut() {
        let choice = options.choice(of: reader.metadata)
        let leftOut = preflightProblems.filter { name in name.map { choice.exclusion(of: $0) != nil } ?? false }
        guard leftOut.count > 0 else { return }
        preflightProblems = preflightProblems.filter { name in name.map { choice.exclusion(of: $0) == nil } ?? true }
        report.rejectionCount = preflightProblems.count
        report.circumstances.namelessCount = preflightProblems.countOfNameless
        report.rejections = preflightProblems.inOrder.map(Report.Rejection.init)
        let first = leftOut.inOrder.first.map { ", first in line \($0.line): \($0.reason)" } ?? ""
        operation.warning(
            "the file has \(leftOut.count.counted("bad row", "bad rows")) of collections that are left out\(first)")
    }

    private func references(_ legacy: LegacyTypes, _ survey: FileSurvey) throws -> [Reference] {
        let choice = options.choice(of: reader.metadata)
        try options.configuration.checkTargets(in: reader.metadata, rows: survey.rows.map(\.name), connection)
        operation.warnOfUnusedReferences(
            options.configuration, in: reader.metadata, rows: survey.rows.map(\.name)
        ) { choice.exclusion(of: $0) != nil }
        for text in legacy.warnings(
            ofReferencesIn: options.configuration, survey, except: { choice.exclusion(of: $0) != nil })
        {
            operation.warning(text)
        }
        let (references, faults) = ReferenceSource.file(
            options.configuration, reader.metadata, legacy, rows: survey.rows.map(\.name))
        for fault in faults { operation.warning(fault.warning) }
        if options.failsOnDangling, let fault = faults.first {
            throw FerryError(
                "nothing was written: a reference cannot be checked (--fail-on-dangling): \(fault)", kind: .data,
                advice: ["Say the references in a configuration, or leave --fail-on-dangling out."])
        }
        return references
    }
}
