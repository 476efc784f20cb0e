import BSON
import BackupFile
import ExtendedJSON

/// Turns documents into rows. Several threads share one; each call of ``run()`` has its own encoders.
struct ChunkEncoder {
    let chunks: OrderedChunks
    let queue: BoundedQueue<RawChunk>
    /// The collections' names in the file, by their index in the export.
    let names: [String]
    let mode: ExtendedJSONMode
    /// Whether the file is a bare CSV, whose rows must not be taken for legacy ones.
    let isBare: Bool

    /// In bytes.
    private static let largestWrittenTwice = 1 << 20

    /// Encodes chunks until the queue is closed and empty.
    /// - Throws: ``BSONError`` if a document from the server is malformed.
    func run() throws {
        let encoder = ExtendedJSONEncoder(mode: mode, quotes: .doubled)
        let marking = isBare ? RowMarking() : nil
        let unquoted = ExtendedJSONEncoder(mode: mode, quotes: .plain)
        let beginnings = names.map { Array(BackupWriter.rowPrefix($0).utf8) }
        let prefixes = beginnings.map { $0 + [UInt8(ascii: "\"")] }
        let suffix = Array("\"\n".utf8)
        while let chunk = queue.pop() {
            let rows = chunks.buffer()
            let beginning = beginnings[chunk.place.collection]
            let prefix = prefixes[chunk.place.collection]
            var (count, escaped) = (0, 0)
            var markedFirst: Chunk.MarkedRow?
            try chunk.documents.forEach { document in
                count += 1
                // Relaxed JSON is chosen where types do not matter, so there the first row need not be marked.
                let isFirst = count == 1 && chunk.place.isFirst && mode != .relaxed
                // A huge one is not written twice.
                let isHugeFirst = isFirst && document.bytes.count > Self.largestWrittenTwice
                if let marked = try marking?.marked(document, unquoted, isFirst: isHugeFirst) {
                    marked.append(to: rows, behind: beginning)
                    if marked.isWhole { escaped += 1 }
                    return
                }
                prefix.withUnsafeBytes { rows.append($0) }
                if encoder.encode(document, into: rows) == .escaped { escaped += 1 }
                suffix.withUnsafeBytes { rows.append($0) }
                // The first row of a bare CSV speaks for all others; only the writer knows which collection has it.
                if isFirst, let marked = try marking?.marked(document, unquoted, isFirst: true) {
                    let row = ByteBuffer(capacity: beginning.count + marked.field.count + 1)
                    marked.append(to: row, behind: beginning)
                    markedFirst = Chunk.MarkedRow(row: row, replaced: rows.count, isWhole: marked.isWhole)
                }
            }
            chunks.fill(
                chunk.place, with: Chunk(rows: rows, count: count, escaped: escaped, markedFirst: markedFirst))
        }
    }
}
