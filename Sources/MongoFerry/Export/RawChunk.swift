import MongoDriver

/// Documents of one collection as the server gave them.
struct RawChunk: Sendable {
    let place: OrderedChunks.Place
    let documents: Batch

    /// Bytes that a chunk has at most; a larger document goes by itself. Their rows are about twice as long: a chunk and
    /// its rows fit into a core's own cache, and the rows' buffers are used again as they are.
    static let usualBytes = 384 << 10
}
