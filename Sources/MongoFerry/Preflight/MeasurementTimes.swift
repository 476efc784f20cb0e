import BSON
import BackupFile
import Relations

/// Finds rows of a file without metadata that a time series of the database would not take.
struct MeasurementTimes {
    let reader: BackupReader
    /// The time field of each time series, by its name in the file.
    let fields: [ExactName: String]
    let rules: TypeRules?
    let operation: OperationContext

    /// Adds them to the survey's problems. Reads the file once more.
    /// - Throws: ``BackupError``, ``FileError``; `CancellationError`.
    func run(_ survey: inout FileSurvey) throws {
        var decoder = ConvertingDecoder(survey: survey, rules: rules)
        try reader.forEachBatch(from: reader.firstRow) { batch in
            try operation.cancellation.check()
            batch.forEachRow { row in
                // Was found to be a problem already.
                if survey.linesSetAside.contains(row.line) { return }
                decoder.withDocument(row, in: { fields[ExactName($0)] != nil }) { name, document, _ in
                    guard let field = fields[ExactName(name)], document[field]?.type != .date else { return }
                    survey.linesSetAside.insert(row.line)
                    survey.problems.add(
                        RowProblem(
                            line: row.line, collection: name, id: document.first.map(IDText.text),
                            reason: TimeField.textOfMissing(field)))
                }
            }
        }
    }
}
