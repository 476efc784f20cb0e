import BackupFile
import Foundation
import MongoFerry

/// Runs an operation, tells its outcome, and writes its reports whatever becomes of it.
enum ReportedRun {
    /// - Parameters:
    ///   - known: what the command says beforehand, which stands in the report of a failure, too.
    ///   - body: the operation; it adds to that what it finds out before it begins.
    ///   - tell: says what the operation did; called whether or not its reports could be written.
    /// - Throws: what `body` threw, or `tell`; else ``FerryError`` where a report could not be written.
    static func run(
        _ known: Report, _ common: CommonOptions, _ reports: ReportFiles,
        _ body: (OperationContext, inout Report) throws -> Report, tell: (Report) throws -> Void
    ) throws {
        var failure = known
        let began = ContinuousClock.now
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
                Outcome.tellProblems(done)
            }
            failure.note(told)
            failure.fail(with: error)
            if var stopped, stopped.report != nil {
                stopped.advice = failure.nextSteps
                error = stopped
            }
            failure.seconds = ((ContinuousClock.now - began).inSeconds * 1000).rounded() / 1000
            // The error and its exit status say what state things are in: nothing may come in their place.
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

    /// What need not be run again for its report's sake; nil where nothing was done.
    private static func whatIsDone(_ report: Report) -> String? {
        switch report.operation {
        case _ where report.status == .refused: nil
        case .verify: "The check"
        case .export, .import: report.isDryRun ? "The dry run" : "The \(report.operation.rawValue)"
        }
    }

    /// Stopped before anything was done that stays.
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
