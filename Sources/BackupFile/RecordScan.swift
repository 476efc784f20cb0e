#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds where records end: at a line end with an even number of quotes before it.
///
/// A quote inside a quoted field is doubled (RFC 4180), so the parity holds without looking at fields.
struct RecordScan {
    /// The line on which the record that is being scanned starts.
    var recordLine: Int
    private var scanned = 0
    /// Whether the number of quotes since the record's start is odd.
    private(set) var isBetweenQuotes = false
    private var line: Int

    init(line: Int) {
        recordLine = line
        self.line = line
    }

    /// Notes the records that end in `bytes`, which grow from call to call.
    /// - Returns: the place of a record that starts with `#`, which is no row.
    mutating func advance(over bytes: UnsafeRawBufferPointer, into records: inout [RecordBatch.Record]) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var start = records.last?.end ?? 0
        while scanned < bytes.count {
            if scanned == start, bytes[start] == 0x23 { return start }
            guard let hit = memchr(base + scanned, 0x0A, bytes.count - scanned) else {
                if CSVField.hasOddQuotes(UnsafeRawBufferPointer(rebasing: bytes[scanned...])) {
                    isBetweenQuotes.toggle()
                }
                scanned = bytes.count
                return nil
            }
            let end = base.distance(to: UnsafeRawPointer(hit))
            if CSVField.hasOddQuotes(UnsafeRawBufferPointer(rebasing: bytes[scanned..<end])) {
                isBetweenQuotes.toggle()
            }
            scanned = end + 1
            line += 1
            guard !isBetweenQuotes else { continue }
            records.append(RecordBatch.Record(end: scanned, line: recordLine))
            recordLine = line
            start = scanned
        }
        return nil
    }
}
