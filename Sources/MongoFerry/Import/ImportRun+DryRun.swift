import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

extension ImportRun {
    mutating func dryRun(_ plan: ImportPlan, _ survey: FileSurvey, _ legacy: LegacyTypes) throws -> Report {
        let loader = loader(survey, legacy, nil)
        let equal = try equalDocuments(plan, survey, nil)
        var results: [RowLoader.Result] = []
        for step in plan.steps where step.way != .view {
            var outcome = CollectionOutcome(name: step.name)
            let isReplacedSeries = step.entry.kind == .timeseries && step.way == .inPlace
            if isReplacedSeries, let live = step.live.collection, let fields = MeasurementFields(live: live.options) {
                let result = try loader.count(
                    step.name, in: connection.namespace(step.databaseName), .measurements(fields))
                outcome = result.outcome
                outcome.deleted = max(0, live.count - result.matched)
                results.append(result)
            } else if step.liveIsView || isReplacedSeries {
                if legacy.rules?.rules(for: step.name) != nil {
                    // Only converting the rows shows what is converted.
                    let result = try loader.count(
                        step.name, in: connection.namespace(step.databaseName), .load)
                    outcome = result.outcome
                    results.append(result)
                } else {
                    outcome.inserted = step.records - survey.problemCount(amongRowsOf: step.name)
                    outcome.read = outcome.inserted
                }
                outcome.deleted = step.liveCount ?? 0
            } else if let (whole, _) = equal.whole(step) {
                outcome = whole
            } else {
                let result = try loader.count(
                    step.name, in: connection.namespace(step.databaseName),
                    step.writeWay(by: key, in: connection.database, isDryRun: true),
                    known: equal.knownRows(step, survey))
                outcome = result.outcome
                results.append(result)
                if options.mode == .replace, let live = step.liveCount {
                    outcome.deleted = max(0, live - result.matched)
                }
            }
            report.collections.append(outcome)
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
}
