import Foundation
import MongoFerry

/// Runs an operation, and writes its reports whatever becomes of it.
enum ReportedRun {
    static func run(
        _ name: String, _ common: CommonOptions, _ reports: ReportFiles, file: String? = nil,
        _ body: (OperationContext) throws -> Report
    ) throws -> Report {
        // What is known beforehand stands in the report of a failure, too.
        var failure = Report(operation: name)
        failure.file = file
        failure.database = common.db
        let began = ContinuousClock.now
        let (operation, display) = common.operation()
        do {
            let report = try body(operation)
            display.end()
            try reports.write(report)
            return report
        } catch {
            display.end()
            let error = error is CancellationError ? interrupted(name) : error
            failure.status = (error as? FerryError)?.kind == .interrupted ? "interrupted" : "failed"
            failure.error = "\(error)"
            failure.seconds = ((ContinuousClock.now - began).inSeconds * 1000).rounded() / 1000
            try reports.write(failure)
            throw error
        }
    }

    /// Stopped before anything was done that stays.
    private static func interrupted(_ name: String) -> FerryError {
        FerryError(
            name == "export" ? "interrupted; no file was written" : "interrupted; nothing was changed",
            kind: .interrupted)
    }
}
