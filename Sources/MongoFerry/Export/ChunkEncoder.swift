import BackupFile
import ExtendedJSON

/// Turns documents into rows. Belongs to one thread.
struct ChunkEncoder {
    let chunks: OrderedChunks
    let queue: BoundedQueue<RawChunk>
    /// By the places of their collections.
    let names: [String]
    let mode: ExtendedJSONMode

    /// Encodes until the queue is closed.
    /// - Throws: ``BSONError`` where a server's document is none.
    func run() throws {
        let encoder = ExtendedJSONEncoder(mode: mode, quotes: .doubled)
        let prefixes = names.map { Array((BackupWriter.rowPrefix($0) + "\"").utf8) }
        let suffix = Array("\"\n".utf8)
        while let chunk = queue.pop() {
            let rows = chunks.buffer()
            let prefix = prefixes[chunk.place.collection]
            var (count, escaped) = (0, 0)
            try chunk.documents.forEach { document in
                count += 1
                prefix.withUnsafeBytes { rows.append($0) }
                if encoder.encode(document, into: rows) == .escaped { escaped += 1 }
                suffix.withUnsafeBytes { rows.append($0) }
            }
            chunks.fill(chunk.place, with: Chunk(rows: rows, count: count, escaped: escaped))
        }
    }
}
