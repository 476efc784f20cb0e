import BSON

/// Consecutive whole records of a file, as stored there.
///
/// Filled by a ``BackupReader``, read by one thread, then handed back to be refilled.
// @unchecked: handed over as a whole, like its buffer.
public final class RecordBatch: @unchecked Sendable {
    struct Record {
        /// The position after its line end, in bytes from the beginning of the batch.
        var end: Int
        var line: Int
        /// Whether it has a quote too few or too many; it was ended where the next record begins, or with the file.
        var isUnclosed = false
        /// Whether the file may have been cut in it: more of it, and further records, may be missing.
        var mayBePart = false
    }

    var buffer = ByteBuffer(capacity: 1 << 20, blocks: .rows)
    var records: [Record] = []
    /// The position of the batch in the file, in decompressed bytes.
    public internal(set) var offset = 0

    public init() {}

    /// Removes the rows, and releases the memory of a huge one.
    public func clear() {
        records.removeAll(keepingCapacity: true)
        buffer.reset(keeping: 2 << 20)
    }

    /// Removes the rows that start at `limit` or later, in bytes from the beginning of the batch.
    /// - Returns: the line of the first removed row; nil if there is none.
    func cut(at limit: Int) -> Int? {
        // Every record but the last ends where the next one starts.
        guard byteCount > limit, let last = records.firstIndex(where: { $0.end >= limit }) else { return nil }
        let first = limit > 0 ? last + 1 : 0
        guard first < records.count else { return nil }
        let line = records[first].line
        records.removeSubrange(first...)
        return line
    }

    public var count: Int { records.count }
    public var byteCount: Int { records.last?.end ?? 0 }

    /// Rows of this size are huge.
    private static let hugeRow = 512 << 10
    /// The BSON of an element that has a comma beside it is at most this much larger than its text: `0,` becomes 12
    /// bytes.
    private static let growth = 11

    /// An upper bound of the bytes that the documents of huge rows take once they are decoded; 0 if no row is huge.
    ///
    /// BSON may take six times as much as its text.
    /// - Parameter maximum: the size of the largest document.
    public func bytesOfHugeDocuments(atMost maximum: Int) -> Int {
        var (total, start) = (0, 0)
        for record in records {
            defer { start = record.end }
            let size = record.end - start
            guard size >= Self.hugeRow else { continue }
            // Counting takes milliseconds, during which nobody reads.
            guard size < maximum else {
                total += maximum
                continue
            }
            var commas = 0
            for byte in UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<record.end]) where byte == 0x2C {
                commas += 1
            }
            total += min(maximum, size + Self.growth * commas)
        }
        return total
    }

    /// Calls `body` with each row in order.
    public func forEachRow(_ body: (borrowing Row) throws -> Void) rethrows {
        var start = 0
        for record in records {
            var end = record.end
            let bytes = buffer.bytes
            if end > start, bytes[end - 1] == 0x0A { end -= 1 }
            if end > start, bytes[end - 1] == 0x0D { end -= 1 }
            let row = Row(
                bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), line: record.line, offset: offset + start,
                end: offset + record.end, isUnclosed: record.isUnclosed,
                mayBePart: record.mayBePart)
            try body(row)
            start = record.end
        }
    }

    /// One record; a sound one has two fields.
    public struct Row: ~Copyable {
        /// Without its line end.
        public let bytes: UnsafeRawBufferPointer
        /// The number of its first line in the file, from 1.
        public let line: Int
        /// Where it starts and ends in the file, in decompressed bytes.
        public let offset: Int
        public let end: Int
        /// Whether it has a quote too few or too many.
        public let isUnclosed: Bool
        /// Whether it needs one more quote for what follows to be another row.
        public var needsQuote: Bool { CSVField.isOpen(bytes) }
        /// Whether the file may have been cut in it: if the row cannot be read, the file was cut.
        public let mayBePart: Bool
    }
}
