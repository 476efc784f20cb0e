import BSON
import BackupFile
import MongoDriver
import Relations

extension ImportRun {
    /// Merges or inserts into the live collections.
    mutating func merge(_ prepared: Prepared, _ loader: RowLoader, _ lock: ImportLock) throws {
        let survey = prepared.survey
        var plan = prepared.plan
        var (compared, there) = try LiveCatalog.asked(connection, names: Set(plan.steps.map(\.databaseName))) {
            try compare(plan, survey, loader.references)
        }
        try removeLitter(lock, among: there.collections, plan)
        try planAgain(&plan, survey, &compared, there)
        try checkViews(plan, there)
        try tryOut(plan, there, lock)
        stage = .writing
        try upsert(plan, compared, prepared.legacy, by: Means(loader: loader, live: there, lock: lock))
    }

    /// What is needed to write a collection.
    private struct Means {
        let loader: RowLoader
        /// The state of the database when the writing began.
        let live: LiveCatalog
        let lock: ImportLock
    }

    /// Plans collections again that other programs have created, dropped or replaced since the plan was made.
    private mutating func planAgain(
        _ plan: inout ImportPlan, _ survey: FileSurvey, _ compared: inout [String: LiveComparison.Result],
        _ there: LiveCatalog
    ) throws {
        let changes = try planner(survey.rows).planAgain(&plan, there)
        for step in plan.steps {
            guard let change = changes[step.name] else { continue }
            // Equal documents may be gone.
            compared[step.name] = nil
            report.differences.removeAll { $0.kind == .target && $0.collection.hasSameBytes(as: step.name) }
            report.differences += step.differences.map { .init(collection: step.name, kind: .target, detail: $0) }
            let kept = step.targetDifferences.filter { !$0.isMended }.compactMap(\.text)
            let now = kept.isEmpty ? "" : ": " + kept.joined(separator: "; ")
            switch change {
            case .created where kept.isEmpty: break
            case .created:
                report.warnings.append(
                    "\(step.databaseName) was created by another program after the plan was made\(now)")
            case .dropped:
                report.warnings.append(
                    "\(step.databaseName) was dropped by another program after the plan was made, and is created again\(now)"
                )
            case .replaced:
                report.warnings.append(
                    "\(step.databaseName) was dropped and created again by another program after the plan was made\(now)"
                )
            }
        }
    }

    /// Checks conflicts that servers report only when a view gets its name (a time series is a view to them): existing
    /// views may be based on it.
    private func checkViews(_ plan: ImportPlan, _ there: LiveCatalog) throws {
        let new = plan.steps.filter {
            there[$0.databaseName] == nil && ($0.way == .view || $0.entry.kind == .timeseries)
        }
        guard !new.isEmpty else { return }
        let live = there.collections.filter { $0.kind != .collection }.map { (name: $0.name, options: $0.options) }
        let atLast = ViewSources(live + new.map { (name: $0.databaseName, options: $0.entry.options) })
        for step in new {
            guard let conflict = atLast.conflict(of: step.databaseName) else { continue }
            throw FerryError(
                "\(step.databaseName) cannot be created: \(conflict)",
                advice: [
                    "Drop that view or change it first, or leave this one out: --exclude \(step.name.shellWord)."
                ])
        }
    }

    /// Has the server create what it will have to create, under this run's own names, so that nothing it refuses is
    /// found only when half of the file is written. Every server accepts a collection without options.
    private func tryOut(_ plan: ImportPlan, _ there: LiveCatalog, _ lock: ImportLock) throws {
        let steps = plan.steps.filter { there[$0.databaseName] == nil && !$0.entry.options.isEmpty }
        let (database, cancellation) = (connection.database, operation.cancellation)
        let trial = OwnNames.trial(lock.mark)
        _ = try connection.answers(for: Array(steps.enumerated())) { client, item in
            try cancellation.check()
            let name = "\(trial)\(item.offset)"
            do {
                try CollectionBuilder(
                    client: client, database: database, writeConcern: WriteConcern(.nodes(1)), lock: lock
                ).create(item.element.entry, as: name)
                try client.drop(Namespace(database, name), writeConcern: WriteConcern(.nodes(1)))
            } catch {
                var fault = FerryError(explaining: error)
                do {
                    try client.drop(Namespace(database, name), writeConcern: WriteConcern(.nodes(1)))
                } catch {
                    // A user without the privilege to create it may also lack the one to drop it.
                    if client.mayHave([name], in: database) {
                        fault.details.append(
                            "\(name), in which the options were tried out, may be there still; the next import removes it."
                        )
                    }
                }
                throw fault
            }
        }
    }

    private mutating func upsert(
        _ plan: ImportPlan, _ compared: [String: LiveComparison.Result], _ legacy: LegacyTypes, by means: Means
    ) throws {
        var results: [RowLoader.Result] = []
        var written: [(step: ImportPlan.Step, uuid: Value)] = []
        for step in plan.steps {
            var part: CollectionOutcome?
            do {
                try operation.cancellation.check()
                let done = try upsert(step, compared[step.name], by: means) { part = $0 }
                if let uuid = done.uuid { written.append((step, uuid)) }
                if let result = done.result { results.append(result) }
            } catch {
                throw stopped(error, at: step, of: plan, part)
            }
        }
        // Another import may have written meanwhile, so that equal documents may no longer be equal.
        try means.lock.check()
        noteChangesOrWarn(of: written)
        note(results, legacy)
        noteRejections()
        forgetKept(plan, means.loader.survey)
    }

    /// Writes one collection, unless it is equal, and adds its outcome to the report.
    /// - Parameter whereStopped: called with the outcome so far, in case the rest fails.
    /// - Returns: the result of the load, and the UUID of the collection; nil for a view.
    private mutating func upsert(
        _ step: ImportPlan.Step, _ compared: LiveComparison.Result?, by means: Means,
        whereStopped: (CollectionOutcome) -> Void
    ) throws -> (result: RowLoader.Result?, uuid: Value?) {
        let lock = means.lock
        let present = present(step, means.live.contents[step.databaseName])
        if means.live[step.databaseName] == nil {
            try create(step, lock)
            if let kept = step.kept { try noteMade(kept) }
        }
        let uuid = try step.way == .view ? nil : step.uuid ?? connection.uuid(ofExisting: step.databaseName)
        // What prevents an index, such as duplicates or a wrong location, may be in documents that the merge corrects.
        let waiting = try build(step, present: present, lock) { !step.comesAfterTheDocuments($0) }
        guard step.way != .view else { return (nil, nil) }
        if let outcome = unchanged(step, compared) {
            noteRefused(waiting)
            report.collections.append(outcome)
            tallied[step.name] = compared?.outcomes
            return (nil, step.uuid)
        }
        var loader = means.loader
        if !step.wasEmpty { loader.references = nil }
        let result = try loader.load(
            step.name, into: connection.namespace(step.databaseName), upsertWay(step, key),
            writers: step.isWrittenInOrder ? 1 : nil, known: knownRows(step, compared, loader.survey),
            whereStopped: whereStopped)
        whereStopped(result.outcome)
        if result.hasTooManyExchanges {
            report.warnings.append(
                "\(step.databaseName): of the documents that were refused at first, mostly for a value of a unique index that another has, \(SecondAttempt.Room.text) were tried again when all others were written, and no more can be at once; importing the rejected ones by themselves tries as many more, and --mode replace takes all"
            )
        }
        if step.wasEmpty {
            tallied[step.name] = result.references
            noteRefused(try build(step, present: present, lock) { step.comesAfterTheDocuments($0) })
        }
        let refused = Set(waiting.map { CollectionDifferences.name(of: $0.index) })
        noteRefused(try build(step, present: present, lock) { refused.contains(CollectionDifferences.name(of: $0)) })
        report.collections.append(result.outcome)
        return (result, uuid)
    }

    /// The error for a collection whose writing stopped, with what was done before.
    private mutating func stopped(
        _ error: any Error, at step: ImportPlan.Step, of plan: ImportPlan, _ part: CollectionOutcome?
    ) -> FerryError {
        let written = report.collections.map(\.name)
        let done = plan.steps.filter { written.contains($0.name) }.map(\.databaseName.oneLine)
        if let part { report.collections.append(part) }
        let cause = FerryError(explaining: error)
        let name = "\(step.databaseName): "
        let hasWritten = part.map { $0.inserted + $0.updated > 0 } ?? false
        let begun = hasWritten ? "Written in part" : "Begun, with no document known to be written"
        return FerryError(
            cause.text.hasPrefix(name) ? cause.text : name + cause.text,
            kind: cause.kind == .interrupted ? cause.kind : .failed,
            details: cause.details + [
                "Done: \(done.isEmpty ? "none" : done.joined(separator: ", ")). \(begun): \(step.databaseName.oneLine)."
            ],
            advice: cause.advice + ["Run the import again: it goes on where this one stopped."])
    }

    private func noteMade(_ kept: KeptDefinitions.Entry) throws {
        try connection.withClient {
            try KeptDefinitions(client: $0, database: connection.database).noteMade(kept)
        }
    }

    /// Removes the kept definitions of collections that now have all of their options, indexes and documents.
    private func forgetKept(_ plan: ImportPlan, _ survey: FileSurvey) {
        guard report.refusedIndexCount == 0 else { return }
        for step in plan.steps {
            guard let kept = step.keptBefore else { continue }
            // The same file as the interrupted import's, written completely.
            let isSameFile = kept.file != nil && kept.file == reader.seal?.sha256 && report.rejectionCount == 0
            let isMade =
                step.kept.map { $0.optionsMissing(in: step.liveOptions ?? step.entry.options).isEmpty }
                ?? (step.liveOptions == nil)
            guard isSameFile || isMade && (kept.isOfRefused || hasAllRows(of: step, survey, kept)) else { continue }
            do {
                try connection.withClient {
                    try KeptDefinitions(client: $0, database: connection.database).forget(step.databaseName)
                }
            } catch {
                operation.warning(
                    "\(step.databaseName): what was kept of its options and indexes in \(OwnNames.definitions) could not be removed: \(error)"
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

    /// How merge and insert write a collection; a dry run of a replace counts as a merge does.
    func upsertWay(_ step: ImportPlan.Step, _ key: DocumentKey) -> DocumentWriter.Way {
        if step.entry.kind == .timeseries {
            let isNew = (step.liveCount ?? 0) == 0
            // Measurements must match the live collection's fields, whatever the file says; the file's are used if the
            // user may not see the live ones.
            let fields = MeasurementFields(live: step.liveOptions) ?? MeasurementFields(file: step.entry.options)
            return .measurements(isNew ? nil : fields)
        }
        if step.wasEmpty, key.isID, !options.isDryRun {
            return step.way == .insert ? .insertIntoEmpty : .mergeIntoEmpty
        }
        return step.way == .insert ? .insert : .merge(key)
    }

    private func create(_ step: ImportPlan.Step, _ lock: ImportLock) throws {
        try connection.withClient { client in
            try CollectionBuilder(client: client, database: connection.database, lock: lock)
                .create(step.entry, as: step.databaseName)
        }
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
            report.mustBeRepeated = true
            report.warnings.append(
                "\(step.databaseName) was dropped or replaced by another program during the import: what was there of the file before is gone; import the file again"
            )
            // A server that gets writes to a dropped collection creates it without these options. A replace creates it
            // with them.
            guard options.mode != .replace,
                let live = found.first(where: { $0.name.hasSameBytes(as: step.databaseName) })
            else { continue }
            let lost = step.entry.options.keys.filter { live.hasDetails && live.options[$0] == nil }
            guard !lost.isEmpty, step.liveOptions.map({ live in lost.contains { live[$0] != nil } }) ?? true else {
                continue
            }
            report.warnings.append(
                "\(step.databaseName) has not all of the file's options any more: \(lost.joined(separator: ", "))")
            report.advice.append(
                "Drop \(step.databaseName.oneLine) before the import is run again, or use --mode replace: a merge leaves it without these options."
            )
        }
    }

    /// The names of the indexes that need not be built. For a file without metadata, these are all that exist, even if
    /// another program is still building them.
    private func present(_ step: ImportPlan.Step, _ live: LiveCatalog.Contents?) -> Set<ExactName> {
        guard let live else { return [] }
        guard reader.metadata != nil else { return Set(live.indexes.map(CollectionDifferences.name)) }
        let built = live.indexes.filter { live.builtIndexes.contains(CollectionDifferences.name(of: $0)) }
        let otherwiseNamed = step.entry.indexes.filter {
            !live.builtIndexes.contains(CollectionDifferences.name(of: $0))
                && CollectionDifferences.otherName(of: $0, in: built) != nil
        }
        return live.builtIndexes.union(otherwiseNamed.map(CollectionDifferences.name))
    }

    /// Builds the indexes that are wanted now and do not exist yet.
    /// - Returns: those that the server refused.
    private func build(
        _ step: ImportPlan.Step, present: Set<ExactName>, _ lock: ImportLock, indexes isWanted: (Document) -> Bool
    ) throws -> [CollectionBuilder.RefusedIndex] {
        guard step.way != .view else { return [] }
        let missing = step.entry.indexes.filter {
            !present.contains(CollectionDifferences.name(of: $0)) && isWanted($0)
        }
        guard !missing.isEmpty else { return [] }
        return try connection.withClient { client in
            try CollectionBuilder(client: client, database: connection.database, lock: lock).build(
                missing, on: step.databaseName, step.entry.kind,
                inheriting: step.hidesOptions
                    ? ["locale": "simple"] : (step.liveOptions ?? step.entry.options)["collation"])
        }
    }
}
