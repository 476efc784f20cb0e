import BSON

/// How Extended JSON is written.
public enum ExtendedJSONMode: String, Sendable, CaseIterable {
    /// The shortest form that every conforming parser reads back to the same BSON type and value.
    case compact
    /// The specification's canonical form.
    case canonical
    /// The specification's relaxed form, which loses the difference between number types.
    case relaxed
}

/// Writes BSON documents as Extended JSON v2, losing nothing.
///
/// A document that Extended JSON cannot carry comes out whole, as `{"$rawBSON":"<base64>"}`.
/// Not thread-safe: one encoder a thread.
public struct ExtendedJSONEncoder {
    /// How a double quote stands in the output.
    public enum Quotes: Sendable {
        case plain
        /// Twice, for the inside of a quoted CSV field.
        case doubled
    }

    /// What became of a document.
    public enum Outcome: Sendable {
        case plain
        /// Extended JSON could not carry it.
        case escaped
    }

    public let mode: ExtendedJSONMode
    public let quotes: Quotes
    private let scratch = EncoderScratch()

    public init(mode: ExtendedJSONMode = .compact, quotes: Quotes = .doubled) {
        self.mode = mode
        self.quotes = quotes
    }

    /// Appends the text of `document` to `buffer`.
    public func encode(_ document: RawDocument, into buffer: ByteBuffer) -> Outcome {
        switch quotes {
        case .plain: encode(document, into: buffer, PlainQuotes.self)
        case .doubled: encode(document, into: buffer, DoubledQuotes.self)
        }
    }

    @inline(__always)
    private func encode<Style: QuoteStyle>(_ document: RawDocument, into buffer: ByteBuffer, _: Style.Type) -> Outcome {
        let start = buffer.count
        scratch.keys.removeAll(keepingCapacity: true)
        var encoding = DocumentEncoding<Style>(mode: mode, document: document, buffer: buffer, scratch: scratch)
        if encoding.writeTopLevel() {
            encoding.finish()
            return .plain
        }
        encoding.out.move(to: start)
        encoding.writeEscaped()
        encoding.finish()
        return .escaped
    }
}

/// What an encoder keeps from one document to the next.
final class EncoderScratch {
    /// Hashes of the names of the documents that are open, innermost last.
    var keys: [UInt64] = []
}
