import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

extension ImportRun {
    mutating func verify(_ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference]) throws {
        guard report.status == .done || report.status == .problems else { return }
        let run = self
        // It only reads: an election in the middle of it is no reason to leave the check out.
        report.references = try Repeating.run { _ in try run.check(plan, survey, references, [:]) }
        operation.tellUnmetConditions(report.references)
    }

    /// What a server has removed while documents were written: the oldest of a capped collection that is full.
    /// - Returns: a warning for each such collection.
    func lostFromCapped(_ plan: ImportPlan) throws -> [String] {
        guard report.status == .done || report.status == .problems else { return [] }
        return try plan.steps.compactMap { step in
            let isSure = step.isReplaced || !step.hidesOptions
            // What expires goes, too.
            let expires = step.entry.indexes.contains { $0["expireAfterSeconds"] != nil }
            guard step.mayBeCapped, isSure || !expires,
                let outcome = report.collections.first(where: { $0.name == step.name }), outcome.inserted > 0
            else { return nil }
            let written = outcome.inserted + (step.isReplaced ? 0 : step.liveCount ?? 0)
            let count = try connection.withClient {
                try $0.countDocuments(connection.namespace(step.databaseName))
            }
            guard count < written else { return nil }
            let name = BackupMetadata.shown(step.databaseName)
            let kept = "of \(written.counted("document")) the server has kept \(count.grouped)"
            guard isSure else {
                // Or somebody has removed some meanwhile, or they have expired.
                operation.warning("\(name) may be capped and full: \(kept)")
                return nil
            }
            return "\(name) is capped and full: \(kept)"
        }
    }

    /// - Parameter staging: what collections are called for now, by their names in the file.
    func check(
        _ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference], _ staging: [String: String]
    ) throws -> [ReferenceOutcome] {
        let names = Self.names(plan) { staging[$0.name] ?? $0.databaseName }
        var check = referenceCheck(names)
        // What has just been written needn't be asked for; where rows were not taken, the file does not tell.
        let tallied = rejections.count == 0 ? tallied.filter { names[ExactName($0.key)] != nil } : [:]
        if rejections.count == 0, knowsIDs { check.knownIDs = knownIDs(plan, survey) }
        let open = references.filter { names[ExactName($0.collection)] != nil && tallied[$0.collection] == nil }
        let checked = try operation.timed("verify references") { try check.run(open) }
        return (checked + tallied.values.joined()).sorted {
            ($0.collection, $0.path, $0.target) < ($1.collection, $1.path, $1.target)
        }
    }

    /// Those that lead to nothing that is old still, or not there yet, when everything is staged, nor have such a thing
    /// among their alternatives: views, and what is replaced in place.
    func references(_ references: [Reference], intoStagedOf plan: ImportPlan) -> [Reference] {
        let check = referenceCheck(Self.names(plan, \.databaseName))
        let later = plan.views.union(plan.steps.filter { $0.way == .inPlace }.map(\.databaseName))
        return ReferenceGroup.groups(of: references).map(\.references)
            .filter { group in !group.contains { later.contains(check.databaseName($0.target)) } }.flatMap(\.self)
    }

    /// Whether the hashes of the survey are those of the `_id`s that are written: of legacy rows, some may be set aside.
    var knowsIDs: Bool { reader.metadata != nil && key.isID }

    func knownIDs(_ plan: ImportPlan, _ survey: FileSurvey) -> @Sendable (String) -> RecordHashes? {
        // Measurements of a time series have no ids to go by, views no rows, and a capped collection may not keep all.
        let known = Set(
            plan.steps.filter { $0.way != .view && $0.entry.kind == .collection && !$0.mayBeCapped }
                .map { ExactName($0.name) })
        return { known.contains(ExactName($0)) ? survey.rows(of: $0)?.ids ?? RecordHashes() : nil }
    }

    /// What each collection of the plan is called, by its name in the file.
    private static func names(
        _ plan: ImportPlan, _ name: (ImportPlan.Step) -> String
    ) -> [ExactName: String] {
        Dictionary(plan.steps.map { (ExactName($0.name), name($0)) }) { first, _ in first }
    }

    private func referenceCheck(_ names: [ExactName: String]) -> ReferenceCheck {
        // What is not imported this time stands under the names that the whole file would be imported to.
        let others = FileNames(
            metadata: reader.metadata, configuration: options.configuration, renames: options.renames)
        return ReferenceCheck(connection: connection, operation: operation) {
            names[ExactName($0)] ?? others.databaseName(of: $0)
        }
    }

    /// Those that can be checked while their documents are read or written.
    /// - Returns: nil where the file does not tell what will be there.
    func underWay(_ references: [Reference], _ plan: ImportPlan, _ survey: FileSurvey) -> ReferencesUnderWay? {
        guard knowsIDs else { return nil }
        let names = Self.names(plan, \.databaseName)
        var check = referenceCheck(names)
        let knownIDs = knownIDs(plan, survey)
        check.knownIDs = knownIDs
        if options.mode == .replace { check.isKnownWhole = { knownIDs($0) != nil } }
        // What else is being written, and what views make of it, can be asked for only when it is there.
        let later = Set(
            references.filter {
                names[ExactName($0.target)] != nil && ($0.targetPath != .id || knownIDs($0.target) == nil)
                    || plan.views.contains(check.databaseName($0.target))
            }
            .map(\.collection))
        return ReferencesUnderWay(
            check: check,
            references: references.filter {
                names[ExactName($0.collection)] != nil && !later.contains($0.collection)
            },
            live: Set((names.values + plan.untouched).map { ExactName($0) }))
    }

    /// Compares the collections that are there already with the file, where that is less work than looking up.
    func compare(
        _ plan: ImportPlan, _ survey: FileSurvey, _ references: ReferencesUnderWay?
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
            connection: connection, contents: contents, jobs: options.jobs, operation: operation,
            references: references, readConcern: connection.committedReads)
        return try operation.timed("compare") { try comparison.run(collections) }
    }

    /// The outcome of a collection whose documents are all there already; nil where some are not, or nobody knows.
    func unchanged(_ step: ImportPlan.Step, _ compared: LiveComparison.Result?) -> CollectionOutcome? {
        guard let compared, compared.equal.count == step.records else { return nil }
        var outcome = CollectionOutcome(name: step.name)
        outcome.read = step.records
        outcome.unchanged = step.records
        return outcome
    }

    /// What a load of a collection may pass over.
    func knownRows(
        _ step: ImportPlan.Step, _ compared: LiveComparison.Result?, _ survey: FileSurvey
    ) -> KnownRows? {
        guard let compared, let contents, let rows = survey.rows(of: step.name) else { return nil }
        return KnownRows(ids: rows.ids, equal: compared.equal, contents: contents)
    }
}
