/// Tells where a row begins among lines whose quotes are wrong.
package enum RowBeginning {
    private static let quote: UInt8 = 0x22
    private static let comma: UInt8 = 0x2C
    private static let brace: UInt8 = 0x7B
    private static let closingBrace: UInt8 = 0x7D
    private static let space: UInt8 = 0x20
    private static let tab: UInt8 = 0x09
    private static let carriageReturn: UInt8 = 0x0D

    /// Whether a line cannot stand inside a quoted field: it is a name, a comma, and a document between quotes or without
    /// them; or a seal. In a field each quote is doubled, and behind the one that ends it there is no more of it.
    static func isSure(_ line: UnsafeRawBufferPointer) -> Bool {
        let seal = Seal.prefix.utf8
        if line.starts(with: seal) {
            return line.count > seal.count && line[seal.count] == brace && hasSingleQuote(line, at: seal.count + 1)
        }
        // A field's end has nothing but a comma or the line's end behind it: this is a field's beginning.
        if line.count > 1, line[1] != carriageReturn, hasSingleQuote(line, at: 0) { return true }
        guard var at = documentPlace(in: line), at < line.count else { return false }
        let isQuoted = line[at] == quote
        if isQuoted { at += 1 }
        skip(in: line, &at) { $0 == space || $0 == tab }
        guard at < line.count, line[at] == brace else { return false }
        if isQuoted { return true }
        at += 1
        skip(in: line, &at) { $0 == space || $0 == tab }
        return hasSingleQuote(line, at: at)
    }

    /// Whether a line looks like a row: a name, a comma, and a document. A line of a document that stands on several has a
    /// doubled quote or a brace before its first comma, or no document behind it.
    package static func isLikely(_ line: UnsafeRawBufferPointer) -> Bool {
        guard var at = documentPlace(in: line),
            line.first == quote || !line[..<at].contains(where: { $0 == brace || $0 == closingBrace })
        else { return false }
        skip(in: line, &at) { $0 == quote }
        skip(in: line, &at) { $0 == space || $0 == tab }
        return at < line.count && line[at] == brace
    }

    /// What comes behind a name, which may stand between quotes, and a comma; nil where there are none.
    private static func documentPlace(in line: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        if line.first == quote {
            at = 1
            while at < line.count, line[at] != quote || at + 1 < line.count && line[at + 1] == quote {
                at += line[at] == quote ? 2 : 1
            }
            guard at > 1 else { return nil }
            at += 1
        } else {
            skip(in: line, &at) { $0 != quote && $0 != comma }
        }
        return at > 0 && at < line.count && line[at] == comma ? at + 1 : nil
    }

    private static func skip(in line: UnsafeRawBufferPointer, _ at: inout Int, while isSkipped: (UInt8) -> Bool) {
        while at < line.count, isSkipped(line[at]) { at += 1 }
    }

    /// Whether a quote stands there that is neither doubled nor a field's end.
    private static func hasSingleQuote(_ line: UnsafeRawBufferPointer, at place: Int) -> Bool {
        place + 1 < line.count && line[place] == quote && line[place + 1] != quote && line[place + 1] != comma
    }
}
