import BSON
import BackupFile
import ExtendedJSON
import Foundation

/// Rows that were set aside, as a CSV that can be mended and imported by itself.
enum RejectsFile {
    /// - Parameter lines: where the rows start.
    /// - Returns: how many rows were written.
    /// - Throws: ``FileError``; ``BackupError``.
    static func write(_ lines: Set<Int>, of reader: BackupReader, to path: String) throws -> Int {
        let writer = try BackupWriter(
            .file(path: path, overwriting: true), compression: .none, plain: true,
            metadata: BackupMetadata(created: nil, program: "", database: ""))
        // Without metadata they look like those of a legacy file.
        var marking = reader.metadata.map { _ in MarkedRow() }
        var count = 0
        do {
            try reader.seek(toRowAt: reader.firstRow.offset, line: reader.firstRow.line)
            let batch = RecordBatch()
            while try reader.nextBatch(into: batch) {
                try batch.forEachRow { row in
                    guard lines.contains(row.line) else { return }
                    if let marked = marking?.row(row) {
                        try writer.write(rows: marked.bytes)
                    } else {
                        try writer.write(rows: row.bytes)
                    }
                    try "\n".utf8.withContiguousStorageIfAvailable {
                        try writer.write(rows: UnsafeRawBufferPointer($0))
                    }
                    count += 1
                }
            }
            try writer.finish(counts: [:])
        } catch {
            writer.abandon()
            throw error
        }
        return count
    }
}

/// Rows that show by themselves that they are Extended JSON: others' texts would become ObjectIds and dates when they are
/// imported without the metadata.
private struct MarkedRow {
    private var decoder = RowDecoder(maximumDocument: .max, maximumRow: .max)
    private let canonical = ExtendedJSONEncoder(mode: .canonical, quotes: .plain)
    private let buffer = ByteBuffer(capacity: 4096)

    /// The row in another form; nil where it may stay as it is, or cannot be read.
    mutating func row(_ row: borrowing RecordBatch.Row) -> ByteBuffer? {
        guard let (name, fields) = try? decoder.fields(of: row) else { return nil }
        let result = ByteBuffer(capacity: 4096)
        let isMarked = try? decoder.withDocument(fields, line: row.line, collection: name) { document, traits in
            if traits.contains(.wrapper) || traits.contains(.rawBSON) { return true }
            buffer.reset()
            // A number is a wrapper there; a document without any is carried whole.
            _ = canonical.encode(document, into: buffer)
            var text = String(decoding: buffer.bytes, as: UTF8.self)
            if try !ExtendedJSONDecoder(quotes: .plain).decode(buffer.bytes, into: result).contains(.wrapper) {
                text = "{\"$rawBSON\":\"\(Data(document.bytes).base64EncodedString())\"}"
            }
            result.reset()
            result.append(CSVField.text(name) + "," + CSVField.text(text))
            return false
        }
        return isMarked == false ? result : nil
    }
}
