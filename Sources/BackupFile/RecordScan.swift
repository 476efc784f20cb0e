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
    /// Without the elements at its end of which that is true.
    fileprivate func dropLast(while isDropped: (Element) -> Bool) -> SubSequence {
        self[..<(lastIndex { !isDropped($0) }.map(index(after:)) ?? startIndex)]
    }
}
