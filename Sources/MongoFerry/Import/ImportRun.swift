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
    var report = Report(operation: .import)
    let rejections: RejectionLog
    /// The fields that identify a document: `_id`, unless a merge names others.
    let key: DocumentKey
    /// Rows that were set aside before anything was written.
    var preflightProblems = ProblemList()
    var stage = Stage.untouched
    /// Hashes documents where a merge will compare them with the database's.
    let contents: ContentHash?
    /// References that were checked while their documents were read or written, by collection.
    var tallied: [String: [ReferenceOutcome]] = [:]

    /// How far the import has come with the database, which decides what is said of it when it stops.
    enum Stage {
        /// The database is as it was.
        case untouched
        /// What an earlier import had left was tidied up, and collections got their names back.
        case tidiedUp
        /// Some of the file may have been written.
        case writing
    }

    /// - Throws: ``FerryError`` for fields that cannot be keys.
    init(options: ImportOptions, connection: Connection, reader: BackupReader, operation: OperationContext) throws {
        var options = options
        options.maximumRejects = min(max(options.maximumRejects, 0), Self.mostRejects)
        self.options = options
        self.connection = connection
        self.reader = reader
        self.operation = operation
        rejections = RejectionLog()
        key = try DocumentKey(options.mode == .merge ? options.upsertKeys : ["_id"])
        contents = options.mode == .merge && key.isID && reader.metadata != nil ? ContentHash() : nil
        report.mode = options.mode
        report.isDryRun = options.isDryRun
        report.file = reader.path
        report.database = connection.database
        report.server = connection.serverText
        report.targetOptions = connection.targetOptions
        report.configurationOptions = Report.options(for: options.configuration)
        report.choiceOptions = Report.options(
            renames: options.renames, collections: options.collections, exclude: options.exclude,
            takesLegacyRows: options.takesLegacyRows, infers: options.infers)
        report.source = reader.metadata?.sourceText
    }

    /// More rows than any file has, and few enough that no sum of them overflows.
    private static let mostRejects = 1 << 40

    var jobs: Int { Threads.jobs(options.jobs) }

    mutating func run() throws -> Report {
        do {
            if let prepared = try Import.beforeWriting({ try prepare() }) { try run(prepared) }
        } catch var error as FerryError where error.report == nil && report.rejectionCount > 0 {
            // Rows that were found bad may be what it stopped for.
            noteProblemsOfLeftOut()
            error.report = report
            throw error
        }
        return report
    }

    private mutating func run(_ prepared: Prepared) throws {
        for line in prepared.plan.lines { operation.info(line) }
        for step in prepared.plan.steps {
            for text in [prepared.plan.textOfPart(step), prepared.plan.textOfMissingSource(step)].compactMap(\.self) {
                operation.warning("\(step.databaseName): \(text)")
            }
        }
        report.differences = prepared.plan.steps.flatMap { step in
            step.differences.map { .init(collection: step.name, kind: .target, detail: $0) }
        }
        if options.isDryRun {
            report = try Import.beforeWriting { try dryRun(prepared.plan, prepared.survey, prepared.legacy) }
        } else {
            try confirm(prepared.plan)
            do { try writeUnderLock(prepared) } catch { throw stopped(error, prepared.survey) }
            try lookAfter(prepared)
        }
        report.graph = report.drawing(prepared.references)
    }

    /// - Throws: ``FerryError`` where somebody does not want it, or rows could not be set aside.
    private func confirm(_ plan: ImportPlan) throws {
        try checkPlaceOfRejects()
        // Nobody who has said stop is asked a question.
        try operation.cancellation.check()
        guard try options.confirm(plan) else {
            throw FerryError("not confirmed: nothing was written", kind: .failed)
        }
    }

    private mutating func writeUnderLock(_ prepared: Prepared) throws {
        var lock = try ImportLock(connection)
        defer { giveBack(lock) }
        // Before the first look at what is there: what an earlier import has sent would still come into it.
        let hasWaited = try EarlierWrites(
            pool: connection.pool, database: connection.database, cancellation: operation.cancellation,
            tell: operation.info
        ).waitForEnd()
        let tookOver = lock.tookOver
        // What was waited for may have been the drop of an earlier lock, which was this one by then.
        if hasWaited, try !lock.isHeldStill() {
            try lock.release()
            lock = try ImportLock(connection)
        }
        var prepared = prepared
        if hasWaited || tookOver { try countAgain(&prepared.plan) }
        try write(prepared, lock)
    }

    /// What came after the plan was made may be an earlier import's as well as another program's: it is told, and is no
    /// problem.
    private func countAgain(_ plan: inout ImportPlan) throws {
        for index in plan.steps.indices where !plan.steps[index].liveIsView {
            let step = plan.steps[index]
            guard let before = step.liveCount else { continue }
            let count = try connection.withClient {
                try $0.steadyCount(connection.namespace(step.databaseName))
            }
            plan.steps[index].liveCount = count
            guard step.isReplaced, count > before else { continue }
            operation.warning(
                "\(step.databaseName): \((count - before).counted("document")) came after the plan was made, from an earlier import or from other programs, and will go with the old collection"
            )
        }
    }

    /// What stopped the writing, with what had been done by then and the rows that had not been taken.
    private mutating func stopped(_ error: any Error, _ survey: FileSurvey) -> any Error {
        if error is CancellationError, stage == .untouched { return error }
        var error = FerryError(explaining: error)
        switch stage {
        case .untouched: error = error.noting(FerryError.nothingWritten)
        case .tidiedUp:
            error.details.append("Of the file nothing was written; what an earlier import had left was tidied up.")
        case .writing: break
        }
        countPreflightProblems(hasEnded: false)
        noteRejections()
        // Who has stopped it is not kept waiting for a pass over the file.
        if !report.collections.isEmpty, error.kind != .interrupted {
            do { try setAsideOrWarn(survey) } catch {
                report.warnings.append("interrupted: the rows that were not taken were not set aside")
            }
        }
        if rejections.count > 0 {
            error.details.append("The server has refused \(rejections.count.counted("document")): see above.")
        }
        error.report = report
        return error
    }

    /// Sets aside what was not taken, and verifies. Everything is written: what fails is told beside what was done, not
    /// instead of it.
    private mutating func lookAfter(_ prepared: Prepared) throws {
        countPreflightProblems()
        do {
            report.warnings += try lostFromCapped(prepared.plan)
        } catch {
            report.warnings.append(
                "what capped collections have kept could not be counted: \(FerryError(explaining: error).text)")
        }
        var isSetAside = false
        do {
            try setAsideOrWarn(prepared.survey)
            isSetAside = true
            try verify(prepared.plan, prepared.survey, prepared.references)
        } catch is CancellationError {
            let rows = isSetAside ? "" : "the rows that were not taken were not set aside, and "
            var error = FerryError(
                "interrupted", kind: .interrupted,
                details: ["Everything was written; \(rows)its references were not checked."],
                advice: ["`\(report.verifyCommand)` checks them."])
            error.report = report
            throw error
        } catch {
            report.warnings.append(
                "everything was written, but its references could not be checked; `\(report.verifyCommand)` does it: \(error)"
            )
        }
        finish()
    }

    /// - Throws: `CancellationError`; what else stops it is a warning.
    private mutating func setAsideOrWarn(_ survey: FileSurvey) throws {
        do {
            try setAside(survey)
        } catch let error as CancellationError {
            throw error
        } catch {
            report.warnings.append(
                "the rows that were not taken could not be set aside: \(FerryError(explaining: error).text)")
        }
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

    /// - Parameter hasEnded: whether all collections have their outcomes: what has none yet has no other rows.
    mutating func countPreflightProblems(hasEnded: Bool = true) {
        // Read they were, and no other count has them.
        report.note(unreadable: preflightProblems.counts, addsCollections: hasEnded)
    }

    func loader(_ survey: FileSurvey, _ legacy: LegacyTypes, _ lock: ImportLock?) -> RowLoader {
        RowLoader(
            reader: reader, connection: connection, survey: survey, rules: legacy.rules, jobs: jobs,
            rejections: rejections,
            lock: lock, operation: operation)
    }

    private mutating func finish() {
        guard report.status == .done else { return }
        let dangles = options.failsOnDangling && report.danglingCount > 0
        if report.rejectionCount > 0 || !report.warnings.isEmpty || dangles { report.status = .problems }
    }
}
