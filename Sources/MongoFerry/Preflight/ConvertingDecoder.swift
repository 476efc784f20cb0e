import BSON
import BackupFile
import Relations

/// Decodes rows into the documents that an import would write, with legacy ones converted. Belongs to one thread.
struct ConvertingDecoder {
    private var decoder: RowDecoder
    private let maximumDocument: Int
    private let legacyRows: FileSurvey.LegacyRows
    private let converter: LegacyConverter?

    init(survey: FileSurvey, rules: TypeRules?) {
        decoder = RowDecoder(survey)
        maximumDocument = survey.maximumDocument
        legacyRows = survey.legacyRows
        converter = rules.map { LegacyConverter(survey, $0) }
    }

    /// Calls `body` with the document of a row that can be read and converted; the preflight has noted the others.
    ///
    /// The document is valid only inside `body`, which is also told whether the row is a legacy one.
    /// - Throws: what `body` throws.
    mutating func withDocument<Failure>(
        _ row: borrowing RecordBatch.Row, in wanted: (String) -> Bool,
        _ body: (_ collection: String, RawDocument, _ isLegacy: Bool) throws(Failure) -> Void
    ) throws(Failure) {
        guard let (name, fields) = try? decoder.fields(of: row), wanted(name) else { return }
        let line = row.line
        func told(_ document: RawDocument, _ isLegacy: Bool) -> Result<Void, Failure> {
            do throws(Failure) {
                return .success(try body(name, document, isLegacy))
            } catch {
                return .failure(error)
            }
        }
        // Errors of reading and converting end here; errors of `body` do not.
        let answer = try? decoder.withDocument(fields, line: line, collection: name) {
            document, traits -> Result<Void, Failure> in
            let isLegacy = legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
            // Before the rules are known, nobody knows how much smaller a legacy row becomes by conversion.
            var result = document
            if isLegacy {
                guard let converter else { return told(document, isLegacy) }
                result = try converter.converted(document, in: name)
            }
            try RowDecoder.checkSize(result, maximumDocument, line: line, collection: name)
            return told(result, isLegacy)
        }
        try answer?.get()
    }
}
