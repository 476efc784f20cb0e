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
    /// The BSON of an element that has a comma beside it is at most this much larger than its text: `0,` becomes 12 bytes.
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
            var commas = 0
            for index in start..<record.end where buffer.bytes[index] == 0x2C { commas += 1 }
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

/// The two fields of a row, pointing into it.
public struct RowFields {
    /// The collection's name as written, without enclosing quotes.
    public let name: UnsafeRawBufferPointer
    public let nameIsQuoted: Bool
    /// The document's text as written, without enclosing quotes.
    public let data: UnsafeRawBufferPointer
    public let dataIsQuoted: Bool

    /// Whether it is the column header.
    public var isColumnHeader: Bool {
        // It may have blanks around it.
        data.count <= 8
            && HeaderLines.isColumnHeader(
                String(decoding: name, as: UTF8.self) + "," + String(decoding: data, as: UTF8.self))
    }

    /// Splits a row into its fields; fails with the reason if it does not have exactly two.
    public static func parse(_ row: borrowing RecordBatch.Row) -> Result<RowFields, RowFault> {
        let bytes = row.bytes
        var index = 0
        var name: UnsafeRawBufferPointer
        let nameIsQuoted = bytes.first == 0x22
        if nameIsQuoted {
            index = 1
            while true {
                guard index < bytes.count else {
                    return .failure(RowFault("the first field's closing quote is missing"))
                }
                if bytes[index] == 0x22 {
                    if index + 1 < bytes.count, bytes[index + 1] == 0x22 { index += 1 } else { break }
                }
                index += 1
            }
            name = UnsafeRawBufferPointer(rebasing: bytes[1..<index])
            index += 1
        } else {
            while index < bytes.count, bytes[index] != 0x2C {
                if bytes[index] == 0x22 { return .failure(RowFault("a quote inside an unquoted field")) }
                index += 1
            }
            name = UnsafeRawBufferPointer(rebasing: bytes[0..<index])
        }
        guard index < bytes.count else { return .failure(RowFault("there is one column, not two (collection,data)")) }
        guard bytes[index] == 0x2C else { return .failure(RowFault("text behind the first field's closing quote")) }
        let data = UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...])
        let plain = RowFields(name: name, nameIsQuoted: nameIsQuoted, data: data, dataIsQuoted: false)
        func fault(_ reason: String) -> Result<RowFields, RowFault> {
            .failure(RowFault(reason, collection: plain.collection, data: index + 1))
        }
        if row.isUnclosed {
            return fault("a quoted field that starts here is never closed: a quote is missing, or one too many")
        }
        guard data.first == 0x22 else { return .success(plain) }
        guard data.count >= 2, data[data.count - 1] == 0x22 else {
            return fault("the second field's closing quote is missing, or there is a third column")
        }
        return .success(
            RowFields(
                name: name, nameIsQuoted: nameIsQuoted,
                data: UnsafeRawBufferPointer(rebasing: data[1..<data.count - 1]),
                dataIsQuoted: true))
    }

    /// Why the second field is not a document, if its CSV shows that: it seems to be two fields, or begins with a
    /// blank; otherwise nil.
    public var textOfWrongField: String? {
        var rest = data[...]
        if !dataIsQuoted {
            let blanks = data.prefix { $0 == 0x20 || $0 == 0x09 }.count
            if blanks > 0, blanks < data.count, data[blanks] == 0x22 {
                return "a blank stands between the comma and the quote, where CSV has none"
            }
            guard data.first != 0x7B, data.contains(0x2C) else { return nil }
            return "the second field does not begin with '{': there is a third column, or the first two are others"
        }
        while let quote = rest.firstIndex(of: 0x22) {
            rest = rest[(quote + 1)...]
            guard rest.first == 0x22 else {
                return rest.first == 0x2C
                    ? "a quote ends the second field before its end: there is a third column, or it is not doubled"
                    : nil
            }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// The collection's name; nil if it is not UTF-8.
    public var collection: String? {
        guard let text = String(validating: name, as: UTF8.self) else { return nil }
        return nameIsQuoted ? CSVField.undoubled(text) : text
    }
}

/// What is wrong with a row's CSV.
public struct RowFault: Error, Sendable {
    public let reason: String
    /// Nil if the fault is in the name, or if the name is empty or not UTF-8.
    public let collection: String?
    /// The position in the row where the second field starts; 0 if ``collection`` is nil.
    public let data: Int

    init(_ reason: String, collection: String? = nil, data: Int = 0) {
        self.reason = reason
        self.collection = collection?.isEmpty == true ? nil : collection
        self.data = self.collection == nil ? 0 : data
    }
}
