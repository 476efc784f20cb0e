import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

extension ImportRun {
    mutating func verify(_ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference]) throws {
        guard report.status == .done || report.status == .problems else { return }
        let run = self
        // The check only reads, so it is repeated after an election.
        report.references = try Repeating.run { _ in try run.check(plan, survey, references, [:]) }
        operation.tellUnmetConditions(report.references)
    }

    /// Finds documents that a server removed while others were written: the oldest of a full capped collection.
    /// - Returns: a warning for each such collection.
    func lostFromCapped(_ plan: ImportPlan) throws -> [String] {
        guard report.status == .done || report.status == .problems else { return [] }
        return try plan.steps.compactMap { step in
            let isSure = step.isReplaced || !step.hidesOptions
            // Documents that expire are removed as well.
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
                // Or another program has removed some meanwhile, or they have expired.
                operation.warning("\(name) may be capped and full: \(kept)")
                return nil
            }
            return "\(name) is capped and full: \(kept)"
        }
    }

    /// - Parameter staging: the temporary names of staged collections, by their names in the file.
    func check(
        _ plan: ImportPlan, _ survey: FileSurvey, _ references: [Reference], _ staging: [String: String]
    ) throws -> [ReferenceOutcome] {
        let names = Self.names(plan) { staging[$0.name] ?? $0.databaseName }
        var check = referenceCheck(names)
        // References that were checked during the load need no query. If rows were rejected, the file does not tell
        // which documents exist.
        let tallied = rejections.count == 0 ? tallied.filter { names[ExactName($0.key)] != nil } : [:]
        if rejections.count == 0, knowsIDs { check.knownIDs = knownIDs(plan, survey) }
        let open = references.filter { names[ExactName($0.collection)] != nil && tallied[$0.collection] == nil }
        let checked = try operation.timed("verify references") { try check.run(open) }
        return (checked + tallied.values.joined()).sorted {
            ($0.collection, $0.path, $0.target) < ($1.collection, $1.path, $1.target)
        }
    }

    /// The references that can be checked once everything is staged: none of their alternatives leads to a view, or to
    /// a collection that is replaced in place, whose documents are old or missing until then.
    func references(_ references: [Reference], intoStagedOf plan: ImportPlan) -> [Reference] {
        let check = referenceCheck(Self.names(plan, \.databaseName))
        let later = plan.views.union(plan.steps.filter { $0.way == .inPlace }.map(\.databaseName))
        return ReferenceGroup.groups(of: references).map(\.references)
            .filter { group in !group.contains { later.contains(check.databaseName($0.target)) } }.flatMap(\.self)
    }

    /// Whether the survey's hashes are those of the `_id`s to be written; some legacy rows may be set aside.
    var knowsIDs: Bool { reader.metadata != nil && key.isID }

    func knownIDs(_ plan: ImportPlan, _ survey: FileSurvey) -> @Sendable (String) -> RecordHashes? {
        // Measurements of a time series have no known ids, views have no rows, and a capped collection may not keep
        // all.
        let known = Set(
            plan.steps.filter { $0.way != .view && $0.entry.kind == .collection && !$0.mayBeCapped }
                .map { ExactName($0.name) })
        return { known.contains(ExactName($0)) ? survey.rows(of: $0)?.ids ?? RecordHashes() : nil }
    }

    /// The name of each of the plan's collections, by its name in the file.
    private static func names(
        _ plan: ImportPlan, _ name: (ImportPlan.Step) -> String
    ) -> [ExactName: String] {
        Dictionary(plan.steps.map { (ExactName($0.name), name($0)) }) { first, _ in first }
    }

    private func referenceCheck(_ names: [ExactName: String]) -> ReferenceCheck {
        // Other collections have the names under which the whole file would be imported.
        let others = FileNames(
            metadata: reader.metadata, configuration: options.configuration, renames: options.renames)
        return ReferenceCheck(connection: connection, operation: operation) {
            names[ExactName($0)] ?? others.databaseName(of: $0)
        }
    }

    /// The references that can be checked while their documents are read or written.
    /// - Returns: nil if the file does not tell which documents will exist.
    func underWay(_ references: [Reference], _ plan: ImportPlan, _ survey: FileSurvey) -> ReferencesUnderWay? {
        guard knowsIDs else { return nil }
        let names = Self.names(plan, \.databaseName)
        var check = referenceCheck(names)
        let knownIDs = knownIDs(plan, survey)
        check.knownIDs = knownIDs
        if options.mode == .replace { check.isKnownWhole = { knownIDs($0) != nil } }
        // Collections that are being written, and views on them, can be queried only when they are complete.
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

    /// Compares existing collections with the file if that is less work than looking up documents.
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
            references: references, readConcern: connection.majorityReadConcern)
        return try operation.timed("compare") { try comparison.run(collections) }
    }

    /// The outcome of a collection whose documents all exist unchanged; nil if some do not, or if that is unknown.
    func unchanged(_ step: ImportPlan.Step, _ compared: LiveComparison.Result?) -> CollectionOutcome? {
        guard let compared, compared.equal.count == step.records else { return nil }
        var outcome = CollectionOutcome(name: step.name)
        outcome.read = step.records
        outcome.unchanged = step.records
        return outcome
    }

    /// The rows that a load of a collection may skip.
    func knownRows(
        _ step: ImportPlan.Step, _ compared: LiveComparison.Result?, _ survey: FileSurvey
    ) -> KnownRows? {
        guard let compared, let contents, let rows = survey.rows(of: step.name) else { return nil }
        return KnownRows(ids: rows.ids, equal: compared.equal, contents: contents)
    }
}
