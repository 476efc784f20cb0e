import BackupFile

/// Rows that were set aside, as a CSV that can be mended and imported by itself.
enum RejectsFile {
    /// - Parameter lines: where the rows start.
    /// - Returns: how many rows were written.
    /// - Throws: ``FileError``; ``BackupError``.
    static func write(_ lines: Set<Int>, of reader: BackupReader, to path: String) throws -> Int {
        let writer = try BackupWriter(
            .file(path: path, overwriting: true), compression: .none, plain: true,
            metadata: BackupMetadata(created: nil, program: "", database: ""))
        var count = 0
        do {
            try reader.seek(toRowAt: reader.firstRow.offset, line: reader.firstRow.line)
            let batch = RecordBatch()
            while try reader.nextBatch(into: batch) {
                try batch.forEachRow { row in
                    guard lines.contains(row.line) else { return }
                    try writer.write(rows: row.bytes)
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
