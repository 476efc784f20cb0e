import BSON
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
            var escaped = 0
            try RawDocument.forEach(in: chunk.documents.bytes) { document in
                prefix.withUnsafeBytes { rows.append($0) }
                if encoder.encode(document, into: rows) == .escaped { escaped += 1 }
                suffix.withUnsafeBytes { rows.append($0) }
            }
            chunks.recycle(chunk.documents)
            chunks.fill(chunk.place, with: Chunk(rows: rows, count: chunk.count, escaped: escaped))
        }
    }
}
