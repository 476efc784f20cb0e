import BSON
import BackupFile
import Relations

/// Reads rows as the documents that an import would write, legacy ones converted. Belongs to one thread.
struct ConvertingDecoder {
    private var decoder: RowDecoder
    private let converted = ByteBuffer(capacity: 4096)
    private let legacyRows: FileSurvey.LegacyRows
    private let rules: TypeRules?
    private var counts: ConversionCounts?

    init(survey: FileSurvey, rules: TypeRules?) {
        decoder = RowDecoder(maximumDocument: survey.maximumDocument, measurements: survey.measurements)
        legacyRows = survey.legacyRows
        self.rules = rules
        counts = rules?.makeCounts()
    }

    /// Calls `body` with the document of a row that can be read and converted; others were noted by the preflight.
    ///
    /// The document is valid only inside `body`, which is also told whether the row is a legacy one.
    mutating func withDocument(
        _ row: borrowing RecordBatch.Row, in wanted: (String) -> Bool,
        _ body: (_ collection: String, RawDocument, _ isLegacy: Bool) throws -> Void
    ) {
        guard let (name, fields) = try? decoder.fields(of: row), wanted(name) else { return }
        try? decoder.withDocument(fields, line: row.line, collection: name) { document, traits in
            let isLegacy = legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
            guard isLegacy, let collection = rules?.rules(for: name), var counts else {
                return try body(name, document, isLegacy)
            }
            converted.reset()
            try collection.apply(to: document, appendingTo: converted, counts: &counts)
            try body(name, try RawDocument(converted.bytes), isLegacy)
        }
    }
}
