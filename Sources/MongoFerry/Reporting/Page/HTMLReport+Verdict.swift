import Relations

extension HTMLReport {
    /// The status's class in the style sheet.
    var tone: String {
        switch report.status {
        case .done: report.danglingCount > 0 || !report.allWarnings.isEmpty ? "warn" : "good"
        case .planned: "plan"
        case .problems, .interrupted: "warn"
        case .refused, .failed: "bad"
        }
    }

    /// The outcome in a sentence or two.
    var verdict: String {
        if let error = report.error { return error }
        let dangling = report.danglingCount
        let but = dangling > 0 ? " \(dangling.counted("value leads", "values lead")) nowhere." : ""
        let left = report.excluded.count
        switch (report.operation, report.status) {
        case (_, .problems):
            return "\(report.isDryRun ? "Nothing was written. " : "")Problems were found: \(report.problemCounts)."
        case (_, .planned): return "Nothing was written. This is what an import would do."
        case (.export, _):
            let records = report.totals.read
            return "\(records.counted("record is", "records are")) in the file. \(leftOut)\(warned)"
        case (.import, _):
            let isInsert = report.mode == .insert
            // Documents that exist in another form are left as they are.
            let missing = isInsert ? " that was missing" : ""
            guard left > 0 else { return "Everything in the file\(missing) is in the database.\(but)" }
            let count = left.counted("collection was", "collections were")
            return
                "What was chosen of the file\(isInsert ? " and was missing" : "") is in the database. \(count) left out.\(but)"
        case _ where !report.allWarnings.isEmpty: return "No fault was found.\(unchecked)\(warned)\(but)"
        case _ where report.file == nil && report.references.isEmpty:
            return "No references were found, so nothing was checked."
        case _ where report.file == nil && report.hasLookedAtNothing:
            return "No document has a value at the references' paths, so nothing was checked."
        default: return "\(left == 0 ? "Everything" : "All that was looked at") is sound.\(unchecked)\(but)"
        }
    }

    /// The values that could not be checked.
    private var unchecked: String {
        let count = report.uncheckedCount
        return count == 0 ? "" : " \(count.counted("reference")) could not be checked."
    }

    /// Refers to the warnings, which should be known before the outcome is relied on.
    private var warned: String { report.allWarnings.isEmpty ? "" : " See the warnings." }

    /// What an export left out.
    private var leftOut: String {
        var sentences: [String] = []
        let left = report.excluded.count
        if left > 0 { sentences.append("\(left.counted("name was", "names were")) left out.") }
        if !report.queries.isEmpty {
            let names = report.queries.map(\.name).listed("and")
            sentences.append("Of \(names) there is only what a query matches.")
        }
        return sentences.isEmpty ? "Nothing was left out." : sentences.joined(separator: " ")
    }
}
