import BSON
import BackupFile

/// An `_id` as people read it.
enum IDText {
    /// Compact Extended JSON: `{"$oid":"5c2a…"}`, `"abc"`, `7`.
    static func text(_ id: RawElement) -> String { JSONText.value(id.copy) }

    /// Longer ones would bury what is said of them.
    static let longest = 200

    /// For a sentence: the beginning of a long one.
    static func excerpt(_ id: RawElement) -> String { text(id).excerpt(longest) }

    /// The `_id` that a text which is no JSON seems to begin with: a row that is reported can be found by it.
    static func found(in fields: RowFields) -> String? {
        var text = String(decoding: fields.data.prefix(200), as: UTF8.self)
        if fields.dataIsQuoted { text = CSVField.undoubled(text) }
        guard
            let match = text.prefixMatch(of: /\s*\{\s*"_id"\s*:\s*("[^"]*"|-?\d+|\{"\$oid"\s*:\s*"[0-9a-fA-F]{24}"\})/)
        else { return nil }
        return String(match.1)
    }
}
