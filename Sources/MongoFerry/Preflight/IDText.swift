import BSON
import BackupFile

/// An `_id` in readable form.
enum IDText {
    /// Compact Extended JSON: `{"$oid":"5c2a…"}`, `"abc"`, `7`.
    static func text(_ id: RawElement) -> String { JSONText.value(id.copy) }

    /// A longer one would obscure what is said about it.
    static let longest = 200

    /// For use in a sentence: the beginning of a long `_id`.
    static func excerpt(_ id: RawElement) -> String { text(id).excerpt(longest) }

    /// The `_id` with which a text that is not JSON seems to begin, so that a reported row can be found.
    static func found(in fields: RowFields) -> String? { found(in: fields.data, isQuoted: fields.dataIsQuoted) }

    static func found(in data: UnsafeRawBufferPointer, isQuoted: Bool) -> String? {
        var text = String(decoding: data.prefix(200), as: UTF8.self)
        if isQuoted { text = CSVField.undoubled(text) }
        var rest = text.utf8[...]
        guard rest.take("{"), rest.take("\"_id\""), rest.take(":") else { return nil }
        rest = rest.drop(while: Self.isSpace)
        let id = rest
        switch rest.first {
        case UInt8(ascii: "\""):
            guard rest.takeText() != nil else { return nil }
        case UInt8(ascii: "{"):
            guard rest.take("{"), rest.take("\"$oid\""), rest.take(":") else { return nil }
            rest = rest.drop(while: Self.isSpace)
            guard let digits = rest.takeText(), ObjectID(hex: digits) != nil, rest.first == UInt8(ascii: "}") else {
                return nil
            }
            rest.removeFirst()
        default:
            if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
            let number = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard !number.isEmpty else { return nil }
            rest = rest[number.endIndex...]
        }
        return String(id[..<rest.startIndex])
    }

    fileprivate static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
}

extension Substring.UTF8View {
    /// Removes a JSON token and the spaces before it from the beginning.
    fileprivate mutating func take(_ token: String) -> Bool {
        let rest = drop(while: IDText.isSpace)
        guard rest.starts(with: token.utf8) else { return false }
        self = rest.dropFirst(token.utf8.count)
        return true
    }

    /// Removes and returns the text between quotes; nil if they are not closed.
    fileprivate mutating func takeText() -> String? {
        let text = dropFirst()
        guard first == UInt8(ascii: "\""), let end = text.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        self = self[index(after: end)...]
        return String(text[..<end])
    }
}
