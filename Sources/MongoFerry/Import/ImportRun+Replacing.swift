import BSON
import BackupFile
import MongoDriver
import Relations

extension ImportRun {
    /// Loads everything into staging collections, or in place, and swaps it in.
    mutating func replace(_ prepared: Prepared, _ loader: RowLoader, _ lock: ImportLock) throws {
        let plan = try tidiedUp(prepared.plan, lock)
        var outcome = Replacement.Outcome()
        stage = .writing
        do {
            try replacement(prepared, loader, lock).run(plan, &outcome)
        } catch {
            noteStopped(outcome)
            throw error
        }
        report.collections = outcome.collections
        report.references = outcome.references
        note(outcome.loads, prepared.legacy)
        for load in outcome.loads { tallied[load.outcome.name] = load.references }
        noteRejections()
        report.warnings += outcome.refusedIndexes.map(\.warning) + outcome.warnings(of: plan.steps.map(\.name))
        noteChangesOrWarn(of: outcome.made)
        countRefused(outcome.refusedIndexes)
        if outcome.isRefused {
            noteRefused(outcome, plan)
        } else {
            noteReplaced(outcome)
        }
    }

    /// The plan after the leftovers of earlier imports were removed.
    private mutating func tidiedUp(_ plan: ImportPlan, _ lock: ImportLock) throws -> ImportPlan {
        var plan = plan
        let found = try connection.withClient {
            try $0.listCollections(in: connection.database, readPreference: .primary)
        }
        let restored = try removeLitter(lock, among: found, plan)
        // These had the names of an earlier import's displaced collections when the plan was made.
        for index in plan.steps.indices where restored.contains(plan.steps[index].databaseName) {
            let namespace = connection.namespace(plan.steps[index].databaseName)
            let count = try connection.withClient { try $0.steadyCount(namespace) }
            plan.steps[index].live = .collection(.init(count: count))
        }
        return plan
    }

    private func replacement(_ prepared: Prepared, _ loader: RowLoader, _ lock: ImportLock) -> Replacement {
        var replacement = Replacement(
            connection: connection, loader: loader, lock: lock, operation: operation,
            liveTypes: prepared.legacy.liveTypes,
            maximumRejects: options.maximumRejects - preflightProblems.count)
        guard options.failsOnDangling else { return replacement }
        // Before the swap, this checks the staged collections. References from collections that are replaced in place,
        // to them, or to views are checked later: until then these have the old documents or do not exist yet.
        let (references, rejections) = (references(of: prepared), rejections)
        replacement.check = { staging, loads in
            var tallied: [String: [ReferenceOutcome]] = [:]
            for load in loads { tallied[load.outcome.name] = load.references }
            return try references.checkStaged(tallied, areAllTaken: rejections.count == 0, staging: staging)
        }
        return replacement
    }

    /// Reports what was done until an error.
    private mutating func noteStopped(_ outcome: Replacement.Outcome) {
        report.collections = outcome.written
        let names = outcome.written.map(\.name)
        report.warnings += outcome.warnings(of: names)
        report.warnings += outcome.strangers.filter { !names.contains($0.key) }.map(\.value).sorted()
        // Indexes of collections that were replaced in place: a staged one that lacks an index is not swapped in.
        guard !names.isEmpty else { return }
        report.warnings += outcome.refusedIndexes.map(\.warning)
        countRefused(outcome.refusedIndexes)
    }

    private mutating func noteRefused(_ outcome: Replacement.Outcome, _ plan: ImportPlan) {
        // Some may not have been begun.
        let begun = Dictionary(report.collections.map { (ExactName($0.name), $0) }) { first, _ in first }
        report.collections = plan.steps.filter { $0.way != .view }
            .map { begun[ExactName($0.name)] ?? CollectionOutcome(name: $0.name) }
        for index in report.collections.indices where !outcome.swapped.contains(report.collections[index].name) {
            report.collections[index].inserted = 0
            report.collections[index].deleted = 0
        }
        report.status = .refused
        let dangling = report.danglingCount
        report.error =
            dangling > 0
            ? "the live data were not touched: \(dangling.counted("dangling reference")) (--fail-on-dangling)"
            : "the live data were not touched: the server refused \(whatWasRefused)"
    }

    private mutating func noteReplaced(_ outcome: Replacement.Outcome) {
        if outcome.hasLostWrites {
            report.advice.append(
                "The new collections are in place. The documents that came after the plan was made are in none any more: have the programs that wrote them write them again, or stop these before a replace."
            )
        }
        guard !outcome.refusedIndexes.isEmpty || rejections.count > 0 else { return }
        report.status = .problems
        report.error = "replaced without the \(whatWasRefused) that the server refused"
    }
}
