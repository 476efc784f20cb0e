#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds where records end: at a line end with an even number of quotes before it.
///
/// A quote inside a quoted field is doubled (RFC 4180), so the parity holds without looking at fields. A record whose quotes
/// are wrong ends where one of its lines cannot be but the next one's first: else it would take all others with it.
struct RecordScan {
    /// The line on which the record that is being scanned starts.
    private(set) var recordLine: Int
    private var scanned = 0
    private var line: Int
    /// Where the line that is being scanned starts.
    private var lineStart = 0
    /// Whether the number of quotes since the record's start is odd, up to the line, and in the line.
    private var isOpen = false
    private var lineIsOdd = false

    init(line: Int) {
        recordLine = line
        self.line = line
    }

    /// The same for all that has been scanned.
    var isBetweenQuotes: Bool { isOpen != lineIsOdd }

    /// Notes the records that end in `bytes`, which grow from call to call.
    /// - Returns: the place of a record that starts with `#`, which is no row.
    mutating func advance(over bytes: UnsafeRawBufferPointer, into records: inout [RecordBatch.Record]) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var start = records.last?.end ?? 0
        while scanned < bytes.count {
            if scanned == start, bytes[start] == Self.comment { return start }
            let hit = memchr(base + scanned, 0x0A, bytes.count - scanned)
            let end = hit.map { base.distance(to: UnsafeRawPointer($0)) } ?? bytes.count
            if CSVField.hasOddQuotes(UnsafeRawBufferPointer(rebasing: bytes[scanned..<end])) { lineIsOdd.toggle() }
            scanned = end
            guard hit != nil else { return nil }
            if isOpen, endBroken(before: UnsafeRawBufferPointer(rebasing: bytes[lineStart..<end]), &records) {
                start = lineStart
                if bytes[start] == Self.comment { return start }
            }
            scanned = end + 1
            isOpen = isBetweenQuotes
            lineIsOdd = false
            line += 1
            lineStart = scanned
            guard !isOpen else { continue }
            records.append(RecordBatch.Record(end: scanned, line: recordLine))
            recordLine = line
            start = scanned
        }
        return nil
    }

    /// The same for a last line without its end, after ``advance(over:into:)``.
    /// - Returns: the place of a record that starts with `#`.
    mutating func endOfInput(_ bytes: UnsafeRawBufferPointer, into records: inout [RecordBatch.Record]) -> Int? {
        guard isOpen, lineStart < bytes.count,
            endBroken(before: UnsafeRawBufferPointer(rebasing: bytes[lineStart...]), &records)
        else { return nil }
        return bytes[lineStart] == Self.comment ? lineStart : nil
    }

    /// Notes all that is left as a record.
    /// - Parameter isCut: whether it ends without a line end.
    mutating func endRecord(
        _ bytes: UnsafeRawBufferPointer, isCut: Bool, into records: inout [RecordBatch.Record]
    ) {
        let row = bytes[(records.last?.end ?? 0)...].dropLast(while: {
            $0 == Self.lineFeed || $0 == Self.carriageReturn
        })
        let endsAsDocument = row.dropLast(while: { $0 == Self.quote }).last == Self.closingBrace
        // On one line that ends as a document does it is complete but for a quote; of several lines some may be missing.
        let isPart =
            isBetweenQuotes ? isCut || !endsAsDocument || row.contains(Self.lineFeed) : isCut && !endsAsDocument
        records.append(
            RecordBatch.Record(
                end: bytes.count, line: recordLine, isUnclosed: isBetweenQuotes, mayBePart: isPart))
        recordLine += 1
    }

    /// Goes back to the record of that line.
    mutating func goBack(to line: Int) { recordLine = line }

    /// Ends a record that was not closed before a line that can only be the next one's first.
    private mutating func endBroken(
        before text: UnsafeRawBufferPointer, _ records: inout [RecordBatch.Record]
    ) -> Bool {
        guard Self.cannotContinue(text) else { return false }
        records.append(RecordBatch.Record(end: lineStart, line: recordLine, isUnclosed: true))
        recordLine = line
        isOpen = false
        return true
    }

    private static let comment: UInt8 = 0x23
    private static let quote: UInt8 = 0x22
    private static let comma: UInt8 = 0x2C
    private static let brace: UInt8 = 0x7B
    private static let closingBrace: UInt8 = 0x7D
    private static let space: UInt8 = 0x20
    private static let tab: UInt8 = 0x09
    private static let lineFeed: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D
    /// Longer names are not looked for.
    private static let longestName = 1 << 10

    /// Whether a line cannot stand inside a quoted field: it is a name, a comma, and a document between quotes or without
    /// them; or a seal. In a field each quote is doubled, and behind the one that ends it there is no more of it.
    private static func cannotContinue(_ line: UnsafeRawBufferPointer) -> Bool {
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
}

extension BidirectionalCollection {
    /// Without the elements at its end of which that is true.
    fileprivate func dropLast(while isDropped: (Element) -> Bool) -> SubSequence {
        self[..<(lastIndex { !isDropped($0) }.map(index(after:)) ?? startIndex)]
    }
}
