import BSON

/// Decodes Extended JSON v2, in all of its forms and the common ones of version 1, to BSON.
///
/// Bare whole numbers become Int32, Int64 or, beyond these, doubles; bare numbers with a point or an exponent become
/// doubles. Not thread-safe: one decoder per thread.
public struct ExtendedJSONDecoder {
    public typealias Quotes = ExtendedJSONEncoder.Quotes

    /// What a text contains, for callers that must tell Extended JSON from ordinary JSON.
    public struct Traits: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// A wrapper that only writers of Extended JSON produce, such as `$oid` or `$date`.
        public static let wrapper = Traits(rawValue: 1)
        /// The whole document was carried as `$rawBSON`.
        public static let rawBSON = Traits(rawValue: 2)
        /// Version 1's regular expression, `{"$regex":"…"}`, which may also be a query that somebody has stored.
        public static let legacyRegularExpression = Traits(rawValue: 4)
        /// The document has more than one field `_id`. Not detected in a document that was carried as `$rawBSON`.
        public static let secondID = Traits(rawValue: 8)
    }

    public let quotes: Quotes
    /// Whether version 1's `{"$regex":"…"}` is a regular expression; otherwise it is an ordinary document.
    public let readsLegacyRegularExpressions: Bool
    /// The size of the largest document to build, in bytes. Decoding of a larger one stops soon after this size.
    public let maximumDocument: Int

    public init(quotes: Quotes = .doubled, readsLegacyRegularExpressions: Bool = true, maximumDocument: Int = .max) {
        self.quotes = quotes
        self.readsLegacyRegularExpressions = readsLegacyRegularExpressions
        self.maximumDocument = maximumDocument
    }

    /// Decodes `text` and appends the BSON document to `buffer`, which is left unchanged on an error.
    /// - Throws: ``JSONFault`` with the position.
    @discardableResult
    public func decode(_ text: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws(JSONFault) -> Traits {
        switch quotes {
        case .plain: try decode(text, into: buffer, PlainQuotes.self)
        case .doubled: try decode(text, into: buffer, DoubledQuotes.self)
        }
    }

    /// Decodes a text.
    /// - Throws: ``JSONFault`` with the position.
    public static func document(_ text: String) throws(JSONFault) -> Document {
        let buffer = ByteBuffer(capacity: text.utf8.count + 64)
        let bytes = Array(text.utf8)
        let fault: JSONFault? = bytes.withUnsafeBytes { text in
            do throws(JSONFault) {
                try ExtendedJSONDecoder(quotes: .plain).decode(text, into: buffer)
                return nil
            } catch { return error }
        }
        if let fault { throw fault }
        do throws(BSONError) {
            return try Document(validating: [UInt8](buffer.bytes))
        } catch { throw JSONFault(error.description, at: 0) }
    }

    @inline(__always)
    private func decode<Style: QuoteStyle>(
        _ text: UnsafeRawBufferPointer, into buffer: ByteBuffer, _: Style.Type
    ) throws(JSONFault) -> Traits {
        guard let base = text.baseAddress, !text.isEmpty else { throw JSONFault("it is empty", at: 0) }
        let start = buffer.count
        var reading = DocumentDecoding<Style>(
            text: base.assumingMemoryBound(to: UInt8.self), count: text.count, buffer: buffer,
            readsLegacyRegularExpressions: readsLegacyRegularExpressions, maximum: maximumDocument)
        do throws(JSONFault) {
            try reading.readTopLevel()
        } catch {
            buffer.count = start
            throw error
        }
        let traits = reading.traits
        reading.finish()
        return traits
    }
}
