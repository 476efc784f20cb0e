/// Recognises where a row begins among lines with wrong quotes.
package enum RowBeginning {
    private static let quote: UInt8 = 0x22
    private static let comma: UInt8 = 0x2C
    private static let brace: UInt8 = 0x7B
    private static let closingBrace: UInt8 = 0x7D
    private static let space: UInt8 = 0x20
    private static let tab: UInt8 = 0x09
    private static let carriageReturn: UInt8 = 0x0D

    /// Whether a line cannot be inside a quoted field: it is a name, a comma and a document with or without quotes, or
    /// it is a seal. Inside a field, every quote is doubled, and nothing of the field follows its closing quote.
    static func isSure(_ line: UnsafeRawBufferPointer) -> Bool {
        let seal = Seal.prefix.utf8
        if line.starts(with: seal) {
            return line.count > seal.count && line[seal.count] == brace && hasSingleQuote(line, at: seal.count + 1)
        }
        // Only a comma or the line's end follows a closing quote, so this quote opens a field.
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

    /// Whether a line looks like a row: a name, a comma, and a document. A line of a multi-line document has a doubled
    /// quote or a brace before its first comma, or no document after it.
    package static func isLikely(_ line: UnsafeRawBufferPointer) -> Bool {
        guard var at = documentPlace(in: line),
            line.first == quote || !line[..<at].contains(where: { $0 == brace || $0 == closingBrace })
        else { return false }
        skip(in: line, &at) { $0 == quote }
        skip(in: line, &at) { $0 == space || $0 == tab }
        return at < line.count && line[at] == brace
    }

    /// The position after a name, which may be quoted, and a comma; nil if the line does not begin with them.
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

    /// Whether the quote at this position, if any, is neither doubled nor the end of a field.
    private static func hasSingleQuote(_ line: UnsafeRawBufferPointer, at place: Int) -> Bool {
        place + 1 < line.count && line[place] == quote && line[place + 1] != quote && line[place + 1] != comma
    }
}
