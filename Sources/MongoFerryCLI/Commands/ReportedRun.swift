import BackupFile
import Foundation
import MongoFerry

/// Runs an operation, prints its outcome, and writes its reports even if it fails.
enum ReportedRun {
    /// - Parameters:
    ///   - known: what the command knows beforehand, for the report of a failure.
    ///   - body: the operation; adds to that report what it finds out before it begins.
    ///   - tell: prints what the operation did; called whether or not its reports could be written.
    /// - Throws: what `body` or `tell` threw; otherwise ``FerryError`` if a report could not be written.
    static func run(
        _ known: Report, _ common: CommonOptions, _ reports: ReportFiles,
        _ body: (OperationContext, inout Report) throws -> Report, tell: (Report) throws -> Void
    ) throws {
        var failure = known
        let watch = Stopwatch()
        let (context, display) = common.operation()
        let told = WarningsTold()
        let operation = context.keepingWarnings(in: told)
        var report: Report
        do {
            report = try body(operation, &failure)
            report.note(told)
            display.end()
        } catch {
            display.end()
            var error = error is CancellationError ? interrupted(failure) : error
            let stopped = error as? FerryError
            if let done = stopped?.report {
                failure = done
                failure.started = known.started
                ReportPrinter.tellProblems(done)
            }
            failure.note(told)
            failure.fail(with: error)
            if var stopped, stopped.report != nil {
                stopped.advice = failure.nextSteps
                error = stopped
            }
            if stopped?.report == nil { failure.seconds = watch.seconds }
            // Only a warning: the error and its exit status tell what state the data is in, and nothing may replace
            // them.
            if let fault = reports.write(failure) { Terminal.standardError.warning("\(fault)") }
            throw error
        }
        var fault = reports.write(report)
        if let whatIsDone = whatIsDone(report) { fault?.details.append("\(whatIsDone) itself is done.") }
        do {
            try tell(report)
        } catch {
            if let fault { ExitText.write("\(fault)") }
            throw error
        }
        if let fault { throw fault }
    }

    /// What need not be repeated because of a missing report; nil if nothing was done.
    private static func whatIsDone(_ report: Report) -> String? {
        switch report.operation {
        case _ where report.status == .refused: nil
        case .verify: "The check"
        case .export, .import: report.isDryRun ? "The dry run" : "The \(report.operation.rawValue)"
        }
    }

    /// The error for an operation that was stopped before it had any lasting effect.
    private static func interrupted(_ known: Report) -> FerryError {
        let state =
            switch known.operation {
            case .import, .verify: "nothing was changed"
            case .export where known.file.map(OpenFile.isPipeOrDevice) ?? true:
                "the output so far is incomplete and is not a usable backup"
            case .export: "no file was written"
            }
        return FerryError("interrupted; \(state)", kind: .interrupted)
    }
}
