import BackupFile
import ExtendedJSON

/// Turns documents into rows. Belongs to one thread.
struct ChunkEncoder {
    let chunks: OrderedChunks
    let queue: BoundedQueue<RawChunk>
    /// By the places of their collections.
    let names: [String]
    let mode: ExtendedJSONMode
    /// Whether the file is a bare CSV, in which rows must not look like the old application's.
    let isBare: Bool

    /// Encodes until the queue is closed.
    /// - Throws: ``BSONError`` where a server's document is none.
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
            try chunk.documents.forEach { document in
                count += 1
                // Who wants relaxed JSON wants no types.
                let isFirst = count == 1 && chunk.place.isFirst && mode != .relaxed
                if let marking, let marked = try marking.marked(document, unquoted, isFirst: isFirst) {
                    beginning.withUnsafeBytes { rows.append($0) }
                    rows.append(marked.field.bytes)
                    rows.append("\n")
                    if marked.isWhole { escaped += 1 }
                    return
                }
                prefix.withUnsafeBytes { rows.append($0) }
                if encoder.encode(document, into: rows) == .escaped { escaped += 1 }
                suffix.withUnsafeBytes { rows.append($0) }
            }
            chunks.fill(chunk.place, with: Chunk(rows: rows, count: count, escaped: escaped))
        }
    }
}
