import BSON
import BackupFile
import ExtendedJSON
import Relations

/// Marks rows of a bare CSV, so that they are recognizable as Extended JSON by themselves. An import that took them for
/// legacy rows would convert their strings to ObjectIds and dates, and their numbers to the types in the live
/// collection.
///
/// Not thread-safe: one per thread.
struct RowMarking {
    /// A data field that shows what it is.
    struct Marked {
        /// With its quotes.
        let field: ByteBuffer
        /// Whether it carries the document whole.
        let isWhole: Bool

        /// Appends the row.
        /// - Parameter beginning: the collection's name with the comma.
        func append(to rows: ByteBuffer, behind beginning: [UInt8]) {
            beginning.withUnsafeBytes { rows.append($0) }
            rows.append(field.bytes)
            rows.append("\n")
        }
    }

    private let canonical = ExtendedJSONEncoder(mode: .canonical, quotes: .doubled)
    private let buffer = ByteBuffer(capacity: 4096)
    private let decoded = ByteBuffer(capacity: 4096)
    /// How many bytes the buffers keep after a huge document.
    private static let kept = 1 << 20

    /// A data field in which each number has a wrapper; a document that would have no wrapper is carried whole, as
    /// `$rawBSON`.
    /// - Throws: `JSONFault`.
    func field(_ document: RawDocument) throws -> Marked {
        let field = ByteBuffer(capacity: document.bytes.count + 64)
        field.append("\"")
        var isWhole = canonical.encode(document, into: field) == .escaped
        if !isWhole, try !hasWrapper(UnsafeRawBufferPointer(rebasing: field.bytes[1...]), quotes: .doubled) {
            field.count = 1
            canonical.encodeWhole(document, into: field)
            isWhole = true
        }
        field.append("\"")
        return Marked(field: field, isWhole: isWhole)
    }

    /// The field of a row that must be marked: one that has no wrapper to show what it is, and has strings that look
    /// like ObjectIds or dates, or is the first of the file: one row with a wrapper shows what all others are. Nil for a
    /// row that is to be written as usual.
    /// - Parameter encoder: writes documents as the rows have them.
    /// - Throws: `BSONError` if the document is damaged; `JSONFault`.
    func marked(
        _ document: RawDocument, _ encoder: ExtendedJSONEncoder, isFirst: Bool
    ) throws -> Marked? {
        guard try isFirst || Self.hasLookAlikes(document, depth: 1) else { return nil }
        defer { buffer.reset(keeping: Self.kept) }
        let outcome = encoder.encode(document, into: buffer)
        guard outcome == .plain, try !hasWrapper(buffer.bytes, quotes: encoder.quotes) else { return nil }
        buffer.reset(keeping: Self.kept)
        return try field(document)
    }

    private func hasWrapper(_ text: UnsafeRawBufferPointer, quotes: ExtendedJSONEncoder.Quotes) throws -> Bool {
        defer { decoded.reset(keeping: Self.kept) }
        return try ExtendedJSONDecoder(quotes: quotes).decode(text, into: decoded).contains(.wrapper)
    }

    private static func hasLookAlikes(_ document: RawDocument, depth: Int) throws -> Bool {
        guard depth <= BSONValidator.maximumDepth else { return false }
        var walker = document.makeWalker()
        while let element = try walker.next() {
            switch element.type {
            case .string: if let text = element.stringBytes, LegacyTexts.isLookAlike(text) { return true }
            case .document, .array:
                if try hasLookAlikes(RawDocument(element.value), depth: depth + 1) { return true }
            default: break
            }
        }
        return false
    }
}
