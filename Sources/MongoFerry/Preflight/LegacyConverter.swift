import BSON
import ExtendedJSON
import Relations

/// Converts the documents of legacy rows into those that an import writes. Belongs to one thread.
final class LegacyConverter {
    private let rules: TypeRules
    private let legacyRows: FileSurvey.LegacyRows
    let buffer = ByteBuffer(capacity: 4096, blocks: .documents)
    /// The counts of everything converted so far.
    private(set) var counts: ConversionCounts

    init(_ survey: FileSurvey, _ rules: TypeRules) {
        self.rules = rules
        legacyRows = survey.legacyRows
        counts = rules.makeCounts()
    }

    /// Whether the row of a document is a legacy one.
    func includes(_ document: RawDocument, _ traits: ExtendedJSONDecoder.Traits) -> Bool {
        legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
    }

    /// Returns a legacy row's document as the import writes it, valid until the next call; unchanged if its collection
    /// has no rules.
    /// - Throws: ``RowRejection`` for a value that a rule of the configuration cannot convert; `BSONError`.
    func converted(_ document: RawDocument, in collection: String) throws -> RawDocument {
        guard let own = rules.rules(for: collection) else {
            counts.beginRow()
            return document
        }
        buffer.reset(keeping: 1 << 20)
        try own.apply(to: document, appendingTo: buffer, counts: &counts)
        return try RawDocument(buffer.bytes)
    }

    /// Removes the document that was converted last from the counts, because it is not written after all.
    func takeBackRow() { counts.takeBackRow() }
}
