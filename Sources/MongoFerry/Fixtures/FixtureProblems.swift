import Relations

/// The faults of a fixture, as one error that reads well in a failed test.
enum FixtureProblems {
    /// The most rows to list with their reasons.
    static let limit = 20

    private static let edited =
        "Was it edited? Edit the data in the database and export them again, or make the fixture with --plain: then it has "
        + "no seal."

    /// - Throws: ``FerryError`` of kind `data` if the file has faults.
    /// - Parameter isSealed: whether the file has metadata.
    static func check(_ survey: FileSurvey, _ file: String, isSealed: Bool) throws {
        let count = survey.problems.count + survey.fileProblems.count
        guard count > 0 else { return }
        let details = survey.fileProblems + lines(survey.problems.inOrder)
        var advice: [String] = []
        if survey.problems.count > limit {
            advice.append("`mongoferry verify \(file.shellPath)` lists more of the rows.")
        }
        if !survey.fileProblems.isEmpty {
            advice.append(isSealed ? edited : "Mend the file, or take another copy of it.")
        }
        throw FerryError(
            "\(file): the fixture has \(count.counted("fault")), and was not restored", kind: .data, details: details,
            advice: advice)
    }

    /// - Throws: ``FerryError`` of kind `data` if the server refused anything.
    static func check(_ rejections: RejectionLog, _ refusedIndexes: [String], _ file: String) throws {
        guard rejections.count > 0 || !refusedIndexes.isEmpty else { return }
        let what = [
            rejections.count > 0 ? rejections.count.counted("document") : nil,
            refusedIndexes.isEmpty ? nil : refusedIndexes.count.counted("index", "indexes"),
        ].compactMap(\.self)
        throw FerryError(
            "\(file): the server refuses \(what.joined(separator: " and ")) of the fixture", kind: .data,
            details: lines(rejections.kept) + refusedIndexes)
    }

    private static func lines(_ problems: [RowProblem]) -> [String] {
        problems.prefix(limit).map { problem in
            var line = "line \(problem.line)"
            if let collection = problem.collection { line += ", \(collection)" }
            if let id = problem.id { line += ", _id \(id)" }
            return "\(line): \(problem.reason)"
        }
    }
}
