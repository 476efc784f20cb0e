import BSON
import MongoDriver

/// Documents of one collection as the server gave them, one behind the other.
struct RawChunk: Sendable {
    let place: OrderedChunks.Place
    let documents: ByteBuffer
    let count: Int
}

/// Reads parts, one after the other, and hands their documents to the encoders. Belongs to one thread.
///
/// It does nothing else, so that the server is asked for the next batch as soon as one has come.
struct PartReader {
    let parts: PartQueue
    let chunks: OrderedChunks
    let encoders: BoundedQueue<RawChunk>
    let operation: OperationContext

    /// Their rows are about twice as long, and then just fit into buffers of 2 MB, which are used again as they are.
    private static let chunkBytes = 768 << 10

    /// Reads until there are no parts left.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(with client: Client) throws {
        while let part = parts.next() {
            try operation.cancellation.check()
            try read(part, with: client)
            chunks.endPart(collection: part.collection)
        }
    }

    private func read(_ part: ReadPart, with client: Client) throws {
        let cursor = try client.find(part.namespace, part.filter, options: part.options)
        var buffer = chunks.buffer()
        var count = 0
        func send(to place: OrderedChunks.Place? = nil) throws {
            try operation.cancellation.check()
            let place = try place ?? chunks.enter(collection: part.collection, bytes: buffer.count)
            guard encoders.push(RawChunk(place: place, documents: buffer, count: count)) else {
                throw CancellationError()
            }
            buffer = chunks.buffer()
            count = 0
        }
        try cursor.forEach { document in
            let size = document.bytes.count
            if count > 0, buffer.count + size > Self.chunkBytes { try send() }
            // A huge one waits for its place in libmongoc's buffer, not in another one beside it.
            let place = size > Self.chunkBytes ? try chunks.enter(collection: part.collection, bytes: size) : nil
            buffer.append(document.bytes)
            count += 1
            if let place { try send(to: place) }
        }
        if count > 0 { try send() }
        chunks.recycle(buffer)
    }
}
