import BSON
import BackupFile
import ExtendedJSON
import MongoDriver

/// Documents of one collection that one cursor reads: all of them, those of a query, or a range.
struct ReadPart: Sendable {
    /// Place among the collections of the export.
    let collection: Int
    let namespace: Namespace
    let filter: Document
    let options: FindOptions
}

/// Reads parts, one after the other, and turns their documents into rows. Belongs to one thread.
struct PartReader {
    let parts: PartQueue
    let chunks: OrderedChunks
    let names: [String]
    let mode: ExtendedJSONMode
    let operation: OperationContext

    private static let chunkBytes = 1 << 20

    /// Reads until there are no parts left.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(with client: Client) throws {
        let encoder = ExtendedJSONEncoder(mode: mode, quotes: .doubled)
        while let part = parts.next() {
            try operation.cancellation.check()
            try read(part, with: client, encoder)
            chunks.endPart(collection: part.collection)
        }
    }

    private func read(_ part: ReadPart, with client: Client, _ encoder: ExtendedJSONEncoder) throws {
        let prefix = Array((BackupWriter.rowPrefix(names[part.collection]) + "\"").utf8)
        let suffix = Array("\"\n".utf8)
        let cursor = try client.find(part.namespace, part.filter, options: part.options)
        var buffer = chunks.buffer()
        var count = 0
        var escaped = 0
        func send() throws {
            try operation.cancellation.check()
            try chunks.push(Chunk(rows: buffer, count: count, escaped: escaped), collection: part.collection)
            buffer = chunks.buffer()
            count = 0
            escaped = 0
        }
        try cursor.forEach { document in
            prefix.withUnsafeBytes { buffer.append($0) }
            if encoder.encode(document, into: buffer) == .escaped { escaped += 1 }
            suffix.withUnsafeBytes { buffer.append($0) }
            count += 1
            if buffer.count >= Self.chunkBytes { try send() }
        }
        if count > 0 { try send() } else { chunks.recycle(buffer) }
    }
}
