#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds where records end: at a line end with an even number of quotes before it.
///
/// A quote inside a quoted field is doubled (RFC 4180), so the parity is right without looking at fields. A record with
/// wrong quotes ends before the first line that can only begin the next record; else it would swallow all others.
struct RecordScan {
    /// The line on which the current record starts.
    private(set) var recordLine: Int
    private var scanned = 0
    private var line: Int
    /// The position where the current line starts.
    private var lineStart = 0
    /// Whether the number of quotes is odd: from the record's start up to the current line, and in the current line.
    private var isOpen = false
    private var lineIsOdd = false

    init(line: Int) {
        recordLine = line
        self.line = line
    }

    /// Whether the number of quotes from the record's start up to the scanned position is odd.
    var isBetweenQuotes: Bool { isOpen != lineIsOdd }

    /// Appends the records that end in `bytes`, which grow from call to call.
    /// - Returns: the position of a record that starts with `#`, which is not a row.
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

    /// After ``advance(over:into:)``, checks a last line without a line end: if it can only begin a record, an unclosed
    /// record ends before it.
    /// - Returns: the position of that record if it starts with `#`.
    mutating func endOfInput(_ bytes: UnsafeRawBufferPointer, into records: inout [RecordBatch.Record]) -> Int? {
        guard isOpen, lineStart < bytes.count,
            endBroken(before: UnsafeRawBufferPointer(rebasing: bytes[lineStart...]), &records)
        else { return nil }
        return bytes[lineStart] == Self.comment ? lineStart : nil
    }

    /// Appends everything that is left as one record.
    /// - Parameter isCut: whether the line end is missing.
    mutating func endRecord(
        _ bytes: UnsafeRawBufferPointer, isCut: Bool, into records: inout [RecordBatch.Record]
    ) {
        let row = bytes[(records.last?.end ?? 0)...].dropLast(while: {
            $0 == Self.lineFeed || $0 == Self.carriageReturn
        })
        let endsAsDocument = row.dropLast(while: { $0 == Self.quote }).last == Self.closingBrace
        // A single line that ends like a document is complete but for a quote; of several lines, some may be missing.
        let isPart =
            isBetweenQuotes ? isCut || !endsAsDocument || row.contains(Self.lineFeed) : isCut && !endsAsDocument
        records.append(
            RecordBatch.Record(
                end: bytes.count, line: recordLine, isUnclosed: isBetweenQuotes, mayBePart: isPart))
        recordLine += 1
    }

    /// Goes back to the record that starts on this line.
    mutating func goBack(to line: Int) { recordLine = line }

    /// Ends an unclosed record before the current line if that can only begin the next record; returns whether it did.
    private mutating func endBroken(
        before text: UnsafeRawBufferPointer, _ records: inout [RecordBatch.Record]
    ) -> Bool {
        guard RowBeginning.isSure(text) else { return false }
        records.append(RecordBatch.Record(end: lineStart, line: recordLine, isUnclosed: true))
        recordLine = line
        isOpen = false
        return true
    }

    private static let comment: UInt8 = 0x23
    private static let quote: UInt8 = 0x22
    private static let closingBrace: UInt8 = 0x7D
    private static let lineFeed: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D
}

extension BidirectionalCollection {
    /// Drops the trailing elements that satisfy a condition.
    fileprivate func dropLast(while isDropped: (Element) -> Bool) -> SubSequence {
        self[..<(lastIndex { !isDropped($0) }.map(index(after:)) ?? startIndex)]
    }
}
