import BSON
import BackupFile
import Relations

/// Reads rows as the documents that an import would write, legacy ones converted. Belongs to one thread.
struct ConvertingDecoder {
    private var decoder: RowDecoder
    private let maximumDocument: Int
    private let converted = ByteBuffer(capacity: 4096)
    private let legacyRows: FileSurvey.LegacyRows
    private let rules: TypeRules?
    private var counts: ConversionCounts?

    init(survey: FileSurvey, rules: TypeRules?) {
        decoder = RowDecoder(survey)
        maximumDocument = survey.maximumDocument
        legacyRows = survey.legacyRows
        self.rules = rules
        counts = rules?.makeCounts()
    }

    /// Calls `body` with the document of a row that can be read and converted; others were noted by the preflight.
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
        // Before the rules are known nobody knows how much smaller a legacy row is once it is converted.
        let knowsSizes = rules != nil
        let rules = rules?.rules(for: name)
        // Taken out for the while: a copy of it would be made for each row.
        var counts: ConversionCounts?
        swap(&counts, &self.counts)
        defer { swap(&counts, &self.counts) }
        // What reading and converting throw ends here, what `body` throws does not.
        let answer = try? decoder.withDocument(fields, line: line, collection: name) {
            document, traits -> Result<Void, Failure> in
            let isLegacy = legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
            guard isLegacy, let rules, var mine = counts else {
                if !isLegacy || knowsSizes {
                    try RowDecoder.checkSize(document, maximumDocument, line: line, collection: name)
                }
                return told(document, isLegacy)
            }
            counts = nil
            defer { counts = mine }
            converted.reset()
            try rules.apply(to: document, appendingTo: converted, counts: &mine)
            let result = try RawDocument(converted.bytes)
            try RowDecoder.checkSize(result, maximumDocument, line: line, collection: name)
            return told(result, isLegacy)
        }
        try answer?.get()
    }
}
