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
            var at = 0
            let bytes = chunk.documents.bytes
            for _ in 0..<chunk.count {
                let length = Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)))
                let document = try RawDocument(UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]))
                at += length
                prefix.withUnsafeBytes { rows.append($0) }
                if encoder.encode(document, into: rows) == .escaped { escaped += 1 }
                suffix.withUnsafeBytes { rows.append($0) }
            }
            chunks.recycle(chunk.documents)
            chunks.fill(chunk.place, with: Chunk(rows: rows, count: chunk.count, escaped: escaped))
        }
    }
}
