import BSON

/// The form in which Extended JSON is written.
public enum ExtendedJSONMode: String, Sendable, CaseIterable {
    /// The shortest form that every conforming parser reads back to the same BSON type and value.
    case compact
    /// The specification's canonical form.
    case canonical
    /// The specification's relaxed form, which loses the difference between number types.
    case relaxed
}

/// Encodes BSON documents as Extended JSON v2; only ``ExtendedJSONMode/relaxed`` loses anything.
///
/// A document that Extended JSON cannot carry is written whole, as `{"$rawBSON":"<base64>"}`; so is one whose text
/// would be longer than ``maximumText``.
///
/// Not thread-safe: one encoder per thread.
public struct ExtendedJSONEncoder {
    /// How double quotes are written.
    public enum Quotes: Sendable {
        case plain
        /// As two quotes, for the inside of a quoted CSV field.
        case doubled
    }

    /// How a document was written.
    public enum Outcome: Sendable {
        case plain
        /// Whole, as `$rawBSON`: its Extended JSON would have lost something or been too long.
        case escaped
    }

    /// The length of the longest text that is written, in bytes: twice the largest document. Only millions of control
    /// characters, empty regular expressions and the like would take more, and then base64 is shorter.
    package static let maximumText = 32 << 20
    /// The length of the longest text that is read, in bytes: 16 MB and 16 KB of control characters, each as `\u0001`.
    public static let longestText = 6 * (16 << 20 + 16 << 10)

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

    /// Appends `document` as `{"$rawBSON": …}`, whatever it contains.
    package func encodeWhole(_ document: RawDocument, into buffer: ByteBuffer) {
        switch quotes {
        case .plain: encodeWhole(document, into: buffer, PlainQuotes.self)
        case .doubled: encodeWhole(document, into: buffer, DoubledQuotes.self)
        }
    }

    private func encodeWhole<Style: QuoteStyle>(_ document: RawDocument, into buffer: ByteBuffer, _: Style.Type) {
        var encoding = DocumentEncoding<Style>(mode: mode, document: document, buffer: buffer, names: scratch.take())
        encoding.writeEscaped()
        scratch.put(back: encoding.finish())
    }

    @inline(__always)
    private func encode<Style: QuoteStyle>(_ document: RawDocument, into buffer: ByteBuffer, _: Style.Type) -> Outcome {
        let start = buffer.count
        let names = scratch.take()
        var encoding = DocumentEncoding<Style>(mode: mode, document: document, buffer: buffer, names: names)
        encoding.out.bound(to: Self.maximumText)
        let isWritten = encoding.writeTopLevel()
        let isPlain = isWritten && !encoding.out.isOverfull && encoding.out.position - start <= Self.maximumText
        if !isPlain {
            encoding.out.move(to: start)
            encoding.writeEscaped()
        }
        scratch.put(back: encoding.finish())
        return isPlain ? .plain : .escaped
    }
}

/// What an encoder keeps from one document to the next.
///
/// Lent out as a whole: while a document is written, the list is in a local variable, where no access is checked at run
/// time.
final class EncoderScratch {
    private var names: SeenNames? = SeenNames()

    func take() -> SeenNames {
        guard var taken = names.take() else { return SeenNames() }
        taken.removeAll()
        return taken
    }

    func put(back names: consuming SeenNames) { self.names = names.isHuge ? .none : .some(names) }
}
