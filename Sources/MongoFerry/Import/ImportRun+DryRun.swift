import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Counts what an import would write.
extension ImportRun {
    mutating func dryRun(_ plan: ImportPlan, _ survey: FileSurvey, _ legacy: LegacyTypes) throws -> Report {
        let loader = loader(survey, legacy, nil)
        let equal = try equalDocuments(plan, survey, nil)
        var results: [RowLoader.Result] = []
        for step in plan.steps where step.way != .view {
            let isReplacedSeries = step.entry.kind == .timeseries && step.way == .inPlace
            if isReplacedSeries, let live = step.live.collection, let fields = MeasurementFields(live: live.options) {
                var result = try count(step, .measurements(fields), loader)
                result.outcome.deleted = max(0, live.count - result.matched)
                results.append(result)
                report.collections.append(result.outcome)
            } else if step.liveIsView || isReplacedSeries {
                report.collections.append(try countAllAsNew(step, survey, legacy, loader, &results))
            } else if let (whole, _) = equal.whole(step) {
                report.collections.append(whole)
            } else {
                var result = try count(
                    step, step.writeWay(by: key, in: connection.database, isDryRun: true), loader,
                    known: equal.knownRows(step, survey))
                if options.mode == .replace, let live = step.liveCount {
                    result.outcome.deleted = max(0, live - result.matched)
                }
                results.append(result)
                report.collections.append(result.outcome)
            }
        }
        if options.mode == .replace { report.collections += plan.collectionsGivingWayToViews }
        note(results, legacy)
        countPreflightProblems()
        report.status = preflightProblems.count == 0 ? .planned : .problems
        // What can be found without writing: rows that have no value for the upsert keys.
        noteRejections()
        if report.rejectionCount > 0 {
            report.circumstances.rejectsPlace = RejectsFile.freePath(beside: placeOfRejects)
        }
        return report
    }

    private func count(
        _ step: ImportPlan.Step, _ way: WriteWay, _ loader: RowLoader, known: KnownRows? = nil
    ) throws -> RowLoader.Result {
        try loader.count(step.name, in: connection.namespace(step.databaseName), way, known: known)
    }

    /// What takes the place of a view, or of measurements that cannot be compared.
    private func countAllAsNew(
        _ step: ImportPlan.Step, _ survey: FileSurvey, _ legacy: LegacyTypes, _ loader: RowLoader,
        _ results: inout [RowLoader.Result]
    ) throws -> CollectionOutcome {
        var outcome = CollectionOutcome(name: step.name)
        if legacy.rules?.rules(for: step.name) != nil {
            // Only converting the rows shows what is converted.
            let result = try count(step, .load, loader)
            outcome = result.outcome
            results.append(result)
        } else {
            outcome.inserted = step.records - survey.problemCount(amongRowsOf: step.name)
            outcome.read = outcome.inserted
        }
        outcome.deleted = step.liveCount ?? 0
        return outcome
    }
}
