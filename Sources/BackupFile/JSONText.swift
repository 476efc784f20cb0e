import BSON
import ExtendedJSON

/// Pieces of JSON for metadata lines.
public enum JSONText {
    /// A JSON string, quoted and escaped.
    public static func string(_ text: String) -> String {
        value(.string(text))
    }

    /// A value as compact Extended JSON. If that cannot represent it, it becomes `{"$rawBSON":"…"}`, which holds a
    /// document whose only field has the value and an empty name.
    public static func value(_ value: Value) -> String {
        let whole = document(Document { $0.append("", value) })
        return whole.hasPrefix("{\"\":") ? String(whole.dropFirst(4).dropLast()) : whole
    }

    /// A document as compact Extended JSON, or as `{"$rawBSON":"…"}` if Extended JSON cannot represent it.
    public static func document(_ document: Document) -> String {
        let buffer = ByteBuffer(capacity: document.bytes.count * 2 + 64)
        _ = document.withRaw { ExtendedJSONEncoder(mode: .compact, quotes: .plain).encode($0, into: buffer) }
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    /// Restores a document that ``document(_:)`` wrote as `{"$rawBSON":"…"}`, if it was read as part of a larger text.
    static func restored(_ document: Document) throws -> Document {
        guard document.keys == ["$rawBSON"], case .string(let base64)? = document["$rawBSON"] else { return document }
        return try ExtendedJSONDecoder.document("{\"$rawBSON\":\(string(base64))}")
    }
}
