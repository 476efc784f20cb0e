import BSON

/// Takes documents from the thread that reads them to the one that looks at them, many at a time.
// @unchecked: `filling` belongs to the reading thread; the queues have locks of their own.
final class LiveChunks: @unchecked Sendable {
    private let full = BoundedQueue<ByteBuffer>(capacity: 8)
    private let spare = BoundedQueue<ByteBuffer>(capacity: 8)
    private let budget = ByteBudget(byteLimit)
    // Unchecked: one thread fills; a check at run time for every document costs.
    @exclusivity(unchecked) private var filling: ByteBuffer?

    /// Bytes on their way at once; a document that is larger goes by itself.
    private static let byteLimit = 3 << 20

    init() {
        for _ in 0..<8 { _ = spare.push(ByteBuffer(capacity: RawChunk.usualBytes)) }
    }

    // MARK: The reading thread

    /// - Throws: `CancellationError` where the other thread has failed.
    func put(_ document: RawDocument) throws {
        let size = document.bytes.count
        if let chunk = filling, chunk.count + size > RawChunk.usualBytes { try send(chunk) }
        // A huge one waits in libmongoc's buffer, not in another one beside it.
        if size > RawChunk.usualBytes, !budget.waitForRoom() { throw CancellationError() }
        guard let chunk = filling ?? spare.pop() else { throw CancellationError() }
        chunk.append(document.bytes)
        filling = chunk
    }

    private func send(_ chunk: ByteBuffer) throws {
        filling = nil
        guard budget.take(chunk.count), full.push(chunk) else { throw CancellationError() }
    }

    /// Nothing more comes.
    /// - Throws: as ``put(_:)``.
    func end() throws {
        if let chunk = filling { try send(chunk) }
        full.close()
    }

    // MARK: The looking thread

    /// The next chunk; nil at the end. ``recycle(_:)`` must follow.
    func next() -> ByteBuffer? { full.pop() }

    func recycle(_ chunk: ByteBuffer) {
        budget.give(back: chunk.count)
        chunk.reset(keeping: RawChunk.usualBytes)
        _ = spare.push(chunk)
    }

    // MARK: Both

    /// Wakes up whoever waits: a thread has failed.
    func fail() {
        budget.close()
        full.close()
        spare.close()
    }
}
