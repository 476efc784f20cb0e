import BSON
import ExtendedJSON

/// Encodes and decodes single documents for the tests.
enum Codec {
    static func encode(
        _ document: Document, _ mode: ExtendedJSONMode = .compact, quotes: ExtendedJSONEncoder.Quotes = .plain
    ) -> (text: String, outcome: ExtendedJSONEncoder.Outcome) {
        let buffer = ByteBuffer()
        let outcome = document.withRaw { ExtendedJSONEncoder(mode: mode, quotes: quotes).encode($0, into: buffer) }
        return (String(decoding: buffer.bytes, as: UTF8.self), outcome)
    }

    static func decode(_ text: String, quotes: ExtendedJSONEncoder.Quotes = .plain) throws -> Document {
        try decode(Array(text.utf8), quotes: quotes)
    }

    static func decode(_ text: [UInt8], quotes: ExtendedJSONEncoder.Quotes = .plain) throws -> Document {
        let buffer = ByteBuffer()
        // The decoder gets the array's own memory, so that the address sanitizer notices reads past the allocation.
        try text.withUnsafeBytes { _ = try ExtendedJSONDecoder(quotes: quotes).decode($0, into: buffer) }
        return try Document(validating: [UInt8](buffer.bytes))
    }
}
