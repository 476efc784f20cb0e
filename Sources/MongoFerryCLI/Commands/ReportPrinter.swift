import ArgumentParser
import MongoFerry
import Relations

/// Prints what an import or a check found, and throws the exit status for problems.
enum ReportPrinter {
    static func tell(_ report: Report, quiet: Bool) throws {
        let out = Terminal.standardOutput
        let errors = Terminal.standardError
        // Differences of the target are in the plan, which was shown before.
        for difference in report.differences
        where difference.kind.isProblem || !quiet && difference.kind != .target {
            errors.line(
                [difference.collection.oneLine, difference.kind.rawValue, difference.detail].filter { !$0.isEmpty }
                    .joined(
                        separator: ": "))
        }
        tellProblems(report)
        for line in Summary.references(report, withOptional: !quiet) { errors.line(line) }
        if !quiet { out.show(Summary.table(report)) }
        if report.isDryRun, !quiet {
            errors.line(
                "dry run: nothing was written, no reference was checked, and the server was not asked whether it takes the documents"
            )
        }
        let isWell = [.done, .planned].contains(report.status)
        guard let error = report.error ?? (isWell ? nil : "problems were found: \(report.problemCounts)") else {
            if !quiet { for step in report.nextSteps { errors.line("next: \(step)") } }
            return
        }
        // Printed last: what is above may have scrolled away.
        let place = report.file ?? report.database
        ExitText.write(
            FerryError("\(place.map { "\($0): " } ?? "")\(error)", advice: report.nextSteps).description)
        if !isWell { throw ExitCode(2) }
    }

    /// Prints the rejected rows and the warnings.
    static func tellProblems(_ report: Report) {
        for line in Summary.rejections(report) { Terminal.standardError.line(line) }
        for warning in report.warnings { Terminal.standardError.warning(warning) }
    }
}
