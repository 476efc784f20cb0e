/// Tells where a row begins among lines whose quotes are wrong.
package enum RowBeginning {
    private static let quote: UInt8 = 0x22
    private static let comma: UInt8 = 0x2C
    private static let brace: UInt8 = 0x7B
    private static let closingBrace: UInt8 = 0x7D
    private static let space: UInt8 = 0x20
    private static let tab: UInt8 = 0x09
    private static let carriageReturn: UInt8 = 0x0D
    /// Longer names are not looked for.
    private static let longestName = 1 << 10

    /// Whether a line cannot stand inside a quoted field: it is a name, a comma, and a document between quotes or without
    /// them; or a seal. In a field each quote is doubled, and behind the one that ends it there is no more of it.
    static func isSure(_ line: UnsafeRawBufferPointer) -> Bool {
        let seal = Seal.prefix.utf8
        if line.starts(with: seal) {
            return line.count > seal.count && line[seal.count] == brace && hasSingleQuote(line, at: seal.count + 1)
        }
        // A field's end has nothing but a comma or the line's end behind it: this is a field's beginning.
        if line.count > 1, line[1] != carriageReturn, hasSingleQuote(line, at: 0) { return true }
        var at = 0
        if line.first == quote {
            at = 1
            while at < line.count, at < longestName {
                if line[at] != quote {
                    at += 1
                } else if at + 1 < line.count, line[at + 1] == quote {
                    at += 2
                } else {
                    break
                }
            }
            guard at > 1, at < line.count, line[at] == quote else { return false }
            at += 1
        } else {
            while at < line.count, at < longestName, line[at] != quote, line[at] != comma { at += 1 }
        }
        guard at > 0, at + 2 < line.count, line[at] == comma else { return false }
        let isQuoted = line[at + 1] == quote
        at += isQuoted ? 2 : 1
        skipBlanks(in: line, &at)
        guard at < line.count, line[at] == brace else { return false }
        if isQuoted { return true }
        at += 1
        skipBlanks(in: line, &at)
        return hasSingleQuote(line, at: at)
    }

    private static func skipBlanks(in line: UnsafeRawBufferPointer, _ at: inout Int) {
        while at < line.count, line[at] == space || line[at] == tab { at += 1 }
    }

    /// Whether a quote stands there that is neither doubled nor a field's end.
    private static func hasSingleQuote(_ line: UnsafeRawBufferPointer, at place: Int) -> Bool {
        place + 1 < line.count && line[place] == quote && line[place + 1] != quote && line[place + 1] != comma
    }

    /// Whether a line looks like a row: a name, which may stand between quotes, a comma, and a document. A line of a document
    /// that stands on several has a doubled quote before its first comma, or no document behind it.
    package static func isLikely(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
        var name = line
        if name.first == quote {
            name = name.dropFirst()
            let start = name.startIndex
            while let place = name.firstIndex(of: quote), name[(place + 1)...].first == quote {
                name = name[(place + 2)...]
            }
            guard let end = name.firstIndex(of: quote), end > start else { return false }
            name = name[(end + 1)...]
            guard name.first == comma else { return false }
        }
        guard let end = name.firstIndex(of: comma), end > line.startIndex,
            !name[..<end].contains(where: { $0 == quote || $0 == brace || $0 == closingBrace })
        else { return false }
        return line[(end + 1)...].drop { $0 == quote }.drop { $0 == space || $0 == tab }.first == brace
    }
}
