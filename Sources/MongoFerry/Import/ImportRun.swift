import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// One import in progress.
struct ImportRun {
    let options: ImportOptions
    let connection: Connection
    let reader: BackupReader
    let operation: OperationContext
    var report = Report(operation: .import)
    let rejections: RejectionLog
    /// The fields that identify a document: `_id`, unless a merge specifies others.
    let key: DocumentKey
    /// Rows that the preflight set aside before anything was written.
    var preflightProblems = ProblemList()
    var stage = Stage.untouched
    /// Hashes documents that a merge will compare with the database's; nil if it cannot compare any.
    let contents: ContentHash?
    /// The outcomes of references that were checked while their documents were read or written, by collection.
    var tallied: [String: [ReferenceOutcome]] = [:]

    /// How far the import has changed the database; an error says so.
    enum Stage {
        /// The database is unchanged.
        case untouched
        /// Leftovers of an earlier import were removed, and collections got their names back.
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
        report.circumstances.targetOptions = connection.targetOptions
        report.circumstances.configurationOptions = Report.options(for: options.configuration)
        report.circumstances.choiceOptions = Report.options(
            renames: options.renames, collections: options.collections, exclude: options.exclude,
            takesLegacyRows: options.takesLegacyRows, infers: options.infers)
        report.source = reader.metadata?.sourceText
    }

    /// More rows than any file has, and few enough that sums do not overflow.
    private static let mostRejects = 1 << 40

    var jobs: Int { Threads.jobs(options.jobs) }

    mutating func run() throws -> Report {
        do {
            if let prepared = try Import.beforeWriting({ try prepare() }) { try run(prepared) }
        } catch var error as FerryError where error.report == nil && report.rejectionCount > 0 {
            // The bad rows may be the reason for the error.
            noteProblemsOfLeftOut()
            error.report = report
            throw error
        }
        return report
    }

    private mutating func run(_ prepared: Prepared) throws {
        for line in prepared.plan.lines { operation.info(line) }
        for step in prepared.plan.steps {
            for text in [prepared.plan.textOfPart(step), prepared.plan.textOfOtherSource(step)].compactMap(\.self) {
                operation.warning("\(BackupMetadata.shown(step.databaseName)): \(text)")
            }
        }
        report.differences = prepared.plan.steps.flatMap { step in
            step.targetDifferences.map { .init(collection: step.name, kind: .target, detail: $0.detail) }
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

    /// - Throws: ``FerryError`` if the user does not confirm, or if rows could not be set aside.
    private mutating func confirm(_ plan: ImportPlan) throws {
        try checkPlaceOfRejects()
        // A user who has interrupted the import is not asked.
        try operation.cancellation.check()
        let asking = Stopwatch()
        let isConfirmed = try options.confirm(plan)
        report.secondsAsked = asking.seconds
        guard isConfirmed else {
            throw FerryError("not confirmed: nothing was written", kind: .failed)
        }
    }

    private mutating func writeUnderLock(_ prepared: Prepared) throws {
        var lock = try ImportLock(connection, operation)
        defer { giveBack(lock) }
        // Waits before the first look at the database: writes that an earlier import has sent would still change it.
        let hasWaited = try earlierWrites.waitForEnd()
        let tookOver = lock.tookOver
        // One of the writes waited for may have been the drop of an earlier lock, and have dropped this one.
        if hasWaited, try !lock.isHeldStill() {
            try lock.release()
            lock = try ImportLock(connection, operation)
        }
        var prepared = prepared
        if hasWaited || tookOver { try countAgain(&prepared.plan) }
        try write(prepared, lock)
    }

    /// Counts the documents again, and warns of new ones. These may come from an earlier import or another program, and
    /// are no problem.
    private func countAgain(_ plan: inout ImportPlan) throws {
        for index in plan.steps.indices {
            let step = plan.steps[index]
            guard let before = step.liveCount else { continue }
            let count = try connection.withClient {
                try $0.steadyCount(connection.namespace(step.databaseName))
            }
            plan.steps[index].live.setCount(count)
            guard step.isReplaced, count > before else { continue }
            operation.warning(
                "\(BackupMetadata.shown(step.databaseName)): \((count - before).counted("document")) came after the plan was made, from an earlier import or from other programs, and will go with the old collection"
            )
        }
    }

    /// The error that stopped the import, with what was done until then and the rows that were not taken.
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
        // After an interruption, nobody waits for a pass over the file.
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

    /// Sets aside what was not taken, and checks the references. Since everything is written, a failure here is added
    /// to the report of what was done.
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
            try verify(prepared)
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
                "everything was written, but its references could not be checked; `\(report.verifyCommand)` does it: \(FerryError(explaining: error).text)"
            )
        }
        finish()
    }

    /// - Throws: `CancellationError`; any other error becomes a warning.
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

    /// What the server may still be carrying out for an earlier import or attempt.
    var earlierWrites: EarlierWrites {
        EarlierWrites(
            pool: connection.pool, database: connection.database, cancellation: operation.cancellation,
            tell: operation.info)
    }

    /// Removes what the first attempt of a command has created after all, under this run's own names.
    private func removeLate(_ lock: ImportLock) throws {
        var writes = earlierWrites
        writes.includesStaging = true
        try writes.waitForEnd()
        try lock.confirm()
        let found = try connection.withClient {
            try $0.listCollections(in: connection.database, readPreference: .primary)
        }
        try Leftovers(connection: connection, lock: lock, operation: operation, collections: found).removeStaging()
    }

    /// Releases the lock. A failure is only a warning: the outcome matters more than a lock that the next import takes
    /// over anyway.
    private func giveBack(_ lock: ImportLock) {
        do {
            if lock.hasRepeated, !lock.isLost { try removeLate(lock) }
        } catch is CancellationError {
            // Nobody waits for commands that are under way; the next import removes what they create.
        } catch {
            operation.warning(
                "a command whose connection broke may still be under way, and leave a collection \(OwnNames.stagingPrefix)…, which the next import removes: \(FerryError(explaining: error).text)"
            )
        }
        do {
            if try !lock.release() {
                operation.warning("the user may not drop \(OwnNames.lock): the empty collection stays")
            }
        } catch {
            operation.warning(
                "the import's lock could not be given back, and may hold the next one up for \(ImportLock.staleSeconds) seconds: \(FerryError(explaining: error).text)"
            )
        }
    }

    /// - Parameter hasEnded: whether all collections have their outcomes; if not, those without one are not added.
    mutating func countPreflightProblems(hasEnded: Bool = true) {
        // These rows were read, and no other count includes them.
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
