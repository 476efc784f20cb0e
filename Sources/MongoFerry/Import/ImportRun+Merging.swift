import BSON
import BackupFile
import MongoDriver
import Relations

extension ImportRun {
    /// Merges or inserts into the live collections.
    mutating func merge(_ prepared: Prepared, _ loader: RowLoader, _ lock: ImportLock) throws {
        let survey = prepared.survey
        var plan = prepared.plan
        var (equal, there) = try LiveCatalog.asked(connection, names: Set(plan.steps.map(\.databaseName))) {
            try equalDocuments(plan, survey, loader.references)
        }
        try removeLitter(lock, among: there.collections, plan)
        try planAgain(&plan, survey, &equal, there)
        let merge = Merge(
            plan: plan, live: there, equal: equal, loader: loader, lock: lock, key: key, connection: connection,
            operation: operation)
        try merge.tryOut()
        stage = .writing
        var outcome = Merge.Outcome()
        do {
            try merge.run(&outcome)
        } catch {
            take(outcome)
            throw error
        }
        take(outcome)
        noteChangesOrWarn(of: outcome.written)
        note(outcome.loads, prepared.legacy)
        noteRejections()
        forgetKept(plan, survey, lock)
    }

    private mutating func take(_ outcome: Merge.Outcome) {
        report.collections += outcome.collections
        report.warnings += outcome.warnings
        countRefused(outcome.refusedIndexes)
        tallied.merge(outcome.references) { $1 }
    }

    /// Compares what the database has, if the file's documents can be compared.
    func equalDocuments(
        _ plan: ImportPlan, _ survey: FileSurvey, _ references: ReferencesUnderWay?
    ) throws -> EqualDocuments {
        guard let contents else { return EqualDocuments() }
        return try EqualDocuments(plan, survey, contents, connection, jobs: options.jobs, references, operation)
    }

    /// Plans collections again that other programs have created, dropped or replaced since the plan was made.
    private mutating func planAgain(
        _ plan: inout ImportPlan, _ survey: FileSurvey, _ equal: inout EqualDocuments,
        _ there: LiveCatalog
    ) throws {
        let changes = try planner(survey.rows).planAgain(&plan, there)
        for step in plan.steps {
            guard let change = changes[step.name] else { continue }
            // Equal documents may be gone.
            equal.forget(step)
            report.differences.removeAll { $0.kind == .target && $0.collection.hasSameBytes(as: step.name) }
            report.differences += step.targetDifferences.map {
                .init(collection: step.name, kind: .target, detail: $0.detail)
            }
            let kept = step.targetDifferences.filter { !$0.isMended }.map(\.text)
            let name = BackupMetadata.shown(step.databaseName)
            let now = kept.isEmpty ? "" : ": " + kept.joined(separator: "; ")
            switch change {
            case .created where kept.isEmpty: break
            case .created:
                report.warnings.append(
                    "\(name) was created by another program after the plan was made\(now)")
            case .dropped:
                report.warnings.append(
                    "\(name) was dropped by another program after the plan was made, and is created again\(now)"
                )
            case .replaced:
                report.warnings.append(
                    "\(name) was dropped and created again by another program after the plan was made\(now)"
                )
            }
        }
    }

    /// Removes the kept definitions of collections that now have all of their options, indexes and documents.
    private func forgetKept(_ plan: ImportPlan, _ survey: FileSurvey, _ lock: ImportLock) {
        guard report.circumstances.refusedIndexCount == 0 else { return }
        for step in plan.steps {
            guard let kept = step.keptBefore else { continue }
            // The same file as the interrupted import's, written completely.
            let isSameFile = kept.file != nil && kept.file == reader.seal?.sha256 && report.rejectionCount == 0
            let isMade =
                step.kept.map { $0.optionsMissing(in: step.optionsWhereKept).isEmpty }
                ?? !step.live.exists
            guard isSameFile || isMade && (kept.isOfRefused || hasAllRows(of: step, survey, kept)) else { continue }
            do {
                try connection.withClient {
                    try lock.definitions($0, of: connection.database)
                        .forget(step.databaseName)
                }
            } catch {
                operation.warning(
                    "\(step.databaseName): what was kept of its options and indexes in \(OwnNames.definitions) could not be removed: \(FerryError(explaining: error).text)"
                )
            }
        }
    }

    /// Whether at least as many rows were taken as the interrupted import had, both from files without metadata: a few
    /// rows, such as those that it set aside, complete nothing.
    private func hasAllRows(of step: ImportPlan.Step, _ survey: FileSurvey, _ kept: KeptDefinitions.Entry) -> Bool {
        guard kept.file == nil, reader.metadata == nil, report.rejectionCount == 0 else { return false }
        guard let wanted = kept.rows, let rows = survey.rows(of: step.name) else { return false }
        return rows.count >= wanted
    }

    /// Calls ``noteChanges(of:)``. An error becomes a warning, since everything is written.
    mutating func noteChangesOrWarn(of written: [(step: ImportPlan.Step, uuid: Value)]) {
        do {
            try noteChanges(of: written)
        } catch {
            report.warnings.append(
                "everything was written; whether other programs have dropped or replaced a collection meanwhile could not be seen: \(FerryError(explaining: error).text)"
            )
        }
    }

    /// Warns about collections that another program has dropped or replaced: documents that were written or found equal
    /// before are gone.
    private mutating func noteChanges(of written: [(step: ImportPlan.Step, uuid: Value)]) throws {
        guard !written.isEmpty else { return }
        let found = try connection.withClient {
            try $0.listCollections(in: connection.database, readPreference: .primary)
        }
        let now = CollectionIdentities(found)
        for (step, uuid) in written where now.uuid(of: step.databaseName) != uuid {
            report.circumstances.mustBeRepeated = true
            report.warnings.append(
                "\(step.databaseName) was dropped or replaced by another program during the import: what was there of the file before is gone; import the file again"
            )
            // A server that gets writes to a dropped collection creates it without these options. A replace creates it
            // with them.
            guard options.mode != .replace,
                let live = found.first(where: { $0.name.hasSameBytes(as: step.databaseName) })
            else { continue }
            let lost = step.entry.options.keys.filter { live.hasDetails && live.options[$0] == nil }
            guard !lost.isEmpty, step.live.collection.map({ live in lost.contains { live.options[$0] != nil } }) ?? true
            else {
                continue
            }
            report.warnings.append(
                "\(step.databaseName) has not all of the file's options any more: \(lost.joined(separator: ", "))")
            report.advice.append(
                "Drop \(step.databaseName.oneLine) before the import is run again, or use --mode replace: a merge leaves it without these options."
            )
        }
    }
}
