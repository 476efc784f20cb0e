import BSON
import MongoDriver

/// Documents of one collection as the server gave them, one behind the other.
struct RawChunk: Sendable {
    let place: OrderedChunks.Place
    let documents: ByteBuffer
    let count: Int

    /// Bytes that a chunk has at most; a larger document goes by itself. Their rows are about twice as long: a chunk and
    /// its rows fit into a core's own cache, and buffers are used again as they are.
    static let usualBytes = 384 << 10
}

/// Reads parts, one after the other, and hands their documents to the encoders. Belongs to one thread.
///
/// It does nothing else, so that the server is asked for the next batch as soon as one has come.
struct PartReader {
    let parts: PartQueue
    let chunks: OrderedChunks
    let encoders: BoundedQueue<RawChunk>
    let operation: OperationContext

    /// Reads until there are no parts left.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(with client: Client) throws {
        while let part = parts.next() {
            try operation.cancellation.check()
            let cursor = try client.find(part.namespace, part.filter, options: part.options)
            var filling = ChunkFilling(
                collection: part.collection, chunks: chunks, encoders: encoders, cancellation: operation.cancellation)
            try cursor.forEach { try filling.take($0) }
            try filling.finish()
            chunks.endPart(collection: part.collection)
        }
    }
}

/// Gathers documents of one part into chunks.
///
/// A value, so that the compiler sees that nobody else touches it: a check at run time for every document costs.
private struct ChunkFilling {
    let collection: Int
    let chunks: OrderedChunks
    let encoders: BoundedQueue<RawChunk>
    let cancellation: Cancellation
    private var buffer: ByteBuffer
    private var count = 0

    init(collection: Int, chunks: OrderedChunks, encoders: BoundedQueue<RawChunk>, cancellation: Cancellation) {
        self.collection = collection
        self.chunks = chunks
        self.encoders = encoders
        self.cancellation = cancellation
        buffer = chunks.buffer()
    }

    mutating func take(_ document: RawDocument) throws {
        let size = document.bytes.count
        if count > 0, buffer.count + size > RawChunk.usualBytes { try send() }
        // A huge one waits for its place in libmongoc's buffer, not in another one beside it.
        let place = size > RawChunk.usualBytes ? try chunks.enter(collection: collection, bytes: size) : nil
        buffer.append(document.bytes)
        count += 1
        if let place { try send(to: place) }
    }

    mutating func finish() throws {
        if count > 0 { try send() }
        chunks.recycle(buffer)
    }

    private mutating func send(to place: OrderedChunks.Place? = nil) throws {
        try cancellation.check()
        let place = try place ?? chunks.enter(collection: collection, bytes: buffer.count)
        guard encoders.push(RawChunk(place: place, documents: buffer, count: count)) else {
            throw CancellationError()
        }
        buffer = chunks.buffer()
        count = 0
    }
}
