import MongoDriver

/// Documents of one collection as the server sent them.
struct RawChunk: Sendable {
    let place: OrderedChunks.Place
    let documents: Batch

    /// The maximum bytes in a chunk; a larger document goes by itself. Rows are about twice as long: a chunk and its
    /// rows fit into a core's own cache, and the rows' buffers can be reused as they are.
    static let usualBytes = 384 << 10
}
