import BSON

/// Encoded rows of one collection on their way to the writer.
struct Chunk: Sendable {
    /// A row that shows by itself that it is Extended JSON.
    struct MarkedRow: Sendable {
        let row: ByteBuffer
        /// The size in bytes of the row for which it stands.
        let replaced: Int
        /// Whether it carries the document whole, as `$rawBSON`.
        let isWhole: Bool
    }

    let rows: ByteBuffer
    let count: Int
    /// The number of rows that had to be carried as `$rawBSON`.
    let escaped: Int
    /// What to write instead of the first row if it is the first of the file; nil where it may stay as it is.
    var markedFirst: MarkedRow?
    /// Whether the chunk is one huge document.
    fileprivate(set) var isHuge = false
}

/// Brings chunks from several readers, through several encoders, to the writer: collection by collection, and within
/// one in the order in which they were read.
///
/// A reader takes a place in the line before its documents are encoded; the writer waits for the chunk in the first
/// place. Readers that are ahead, in collections whose turn has not come, wait after a few chunks, so memory stays
/// bounded however many collections there are. Readers of the collection that is being written never wait for other
/// readers, and encoders wait for nobody, so there is no deadlock.
// @unchecked: every access to the state is under the condition's lock.
final class OrderedChunks: @unchecked Sendable {
    /// A chunk's place in the line of its collection.
    struct Place: Sendable {
        let collection: Int
        fileprivate let number: Int
        fileprivate let bytes: Int

        /// Whether the collection's rows begin with this chunk.
        var isFirst: Bool { number == 0 }
        fileprivate var isHuge: Bool { bytes > OrderedChunks.hugeBytes }
    }

    private struct Line {
        /// Chunks by place; nil for those that are not encoded yet.
        var chunks: [Chunk?] = []
        /// The number of the first place.
        var first = 0
        /// Bytes in the line: of documents until they are encoded, then of their rows until they are written.
        var bytes = 0
        var openParts: Int
    }

    private let condition = MonotonicCondition()
    private var lines: [Line]
    private var head = 0
    private var spare: [ByteBuffer] = []
    private var hasFailed = false
    /// Who waits. Nobody is woken while there is nothing for anybody: on a busy machine that takes the time of a thread
    /// that works.
    private var (isWriterWaiting, waitingReaders) = (false, 0)
    /// The number of bytes and of places in all lines.
    private var (bytes, places) = (0, 0)
    /// The number of huge documents in the lines.
    private var huge = 0

    /// The maximum bytes in the line of the collection whose turn it is, and (`aheadLimit`) in each line behind it. A
    /// chunk has less than 1 MB, but a single document can have 16 MB: then it goes by itself.
    private let headLimit: Int
    private let patience: Double
    private static let aheadLimit = 3 << 20
    /// The maximum bytes and chunks in all lines behind that one. Chunks count, too, since a chunk's buffer may be
    /// larger than its content.
    private static let (aheadTotal, aheadPlaces) = (8 << 20, 32)
    static let hugeBytes = 8 << 20

    /// - Parameters:
    ///   - parts: how many parts each collection has.
    ///   - isDistant: whether a question to the server takes long. Then there is room for two of its larger batches, so
    ///     that the next one is requested as soon as one has arrived.
    ///   - patience: after how many seconds of waiting `whileWaiting` is called, which keeps cursors alive.
    init(parts: [Int], isDistant: Bool, patience: Double = 60) {
        self.patience = patience
        lines = parts.map { Line(openParts: $0) }
        headLimit = isDistant ? 10 << 20 : 3 << 20
    }

    // MARK: Buffers

    /// A buffer to fill: a used one if there is one.
    func buffer() -> ByteBuffer {
        condition.withLock { spare.popLast() } ?? ByteBuffer(capacity: 768 << 10)
    }

    private func recycle(_ buffer: ByteBuffer) {
        buffer.reset(keeping: 1 << 20)
        condition.withLock { if spare.count < 16 { spare.append(buffer) } }
    }

    // MARK: The readers' side

    /// Takes the next place in a collection's line; waits until there is room.
    /// - Parameters:
    ///   - bytes: the size of the documents that go there.
    ///   - whileWaiting: called now and then while there is no room.
    /// - Throws: `CancellationError` if another thread has failed; what `whileWaiting` throws.
    func enter(collection: Int, bytes: Int, whileWaiting: () throws -> Void = {}) throws -> Place {
        condition.lock()
        defer { condition.unlock() }
        try wait(whileWaiting) { hasRoom(collection, bytes) }
        let place = Place(
            collection: collection, number: lines[collection].first + lines[collection].chunks.count, bytes: bytes)
        lines[collection].chunks.append(nil)
        add(bytes, to: collection)
        places += 1
        if place.isHuge { huge += 1 }
        return place
    }

    /// Waits until no huge document is on its way: the next batch may be one, too. The writer takes it away without
    /// waiting for another thread, so there is no deadlock.
    /// - Throws: `CancellationError` if another thread has failed; what `whileWaiting` throws.
    func waitForHuge(_ whileWaiting: () throws -> Void = {}) throws {
        condition.lock()
        defer { condition.unlock() }
        try wait(whileWaiting) { huge == 0 }
    }

    /// Waits until it is a collection's turn to be written.
    /// - Throws: `CancellationError` if another thread has failed; what `whileWaiting` throws.
    func waitForTurn(of collection: Int, _ whileWaiting: () throws -> Void = {}) throws {
        condition.lock()
        defer { condition.unlock() }
        try wait(whileWaiting) { head >= collection }
    }

    /// Waits until a condition is true. Must be called with the lock held; `whileWaiting` is called without it.
    private func wait(_ whileWaiting: () throws -> Void, until isTrue: () -> Bool) throws {
        var deadline = ContinuousClock.now + .seconds(patience)
        while !hasFailed, !isTrue() {
            waitingReaders += 1
            let isInTime = condition.wait(until: deadline)
            waitingReaders -= 1
            // Chunks of other threads wake it as well: that must not count as the end of the patience.
            if isInTime { continue }
            condition.unlock()
            defer { condition.lock() }
            try whileWaiting()
            deadline = .now + .seconds(patience)
        }
        if hasFailed { throw CancellationError() }
    }

    /// Whether there is room for more bytes. A huge document waits for its collection's turn: one of the collection
    /// before may still be on its way.
    private func hasRoom(_ collection: Int, _ bytes: Int) -> Bool {
        let isHead = collection == head
        let mine = lines[collection]
        if isHead { return mine.bytes == 0 || mine.bytes + bytes <= headLimit }
        let ahead = (bytes: self.bytes - lines[head].bytes, places: places - lines[head].chunks.count)
        return mine.bytes + bytes <= Self.aheadLimit && ahead.bytes + bytes <= Self.aheadTotal
            && ahead.places < Self.aheadPlaces
    }

    private func add(_ bytes: Int, to collection: Int) {
        lines[collection].bytes += bytes
        self.bytes += bytes
    }

    /// Notes that nothing more comes from one of the parts.
    func endPart(collection: Int) {
        condition.withLock {
            lines[collection].openParts -= 1
            wakeWriter(of: collection)
        }
    }

    // MARK: The encoders' side

    func fill(_ place: Place, with chunk: Chunk) {
        condition.withLock {
            var chunk = chunk
            chunk.isHuge = place.isHuge
            lines[place.collection].chunks[place.number - lines[place.collection].first] = chunk
            add(chunk.rows.count - place.bytes, to: place.collection)
            if chunk.rows.count < place.bytes { wakeReaders() }
            if place.number == lines[place.collection].first { wakeWriter(of: place.collection) }
        }
    }

    // MARK: The writer's side

    /// Makes it the collection's turn and waits for its next chunk; nil when the collection is done. ``finish(_:of:)``
    /// must follow.
    /// - Throws: `CancellationError` if another thread has failed.
    func next(collection: Int) throws -> Chunk? {
        condition.lock()
        defer { condition.unlock() }
        if head != collection {
            head = collection
            wakeReaders()
        }
        while true {
            if hasFailed { throw CancellationError() }
            if let chunk = lines[collection].chunks.first ?? nil {
                lines[collection].chunks.removeFirst()
                places -= 1
                lines[collection].first += 1
                return chunk
            }
            if lines[collection].chunks.isEmpty, lines[collection].openParts == 0 { return nil }
            isWriterWaiting = true
            condition.wait()
            isWriterWaiting = false
        }
    }

    /// Notes that the chunk has been written. Only now does its room become free, since it was in memory until then.
    func finish(_ chunk: Chunk, of collection: Int) {
        let bytes = chunk.rows.count
        recycle(chunk.rows)
        condition.withLock {
            add(-bytes, to: collection)
            if chunk.isHuge { huge -= 1 }
            wakeReaders()
        }
    }

    // MARK: Waking

    /// For readers: there is more room, or another collection's turn has come.
    private func wakeReaders() {
        if waitingReaders > 0 { condition.broadcast() }
    }

    /// For the writer: the next chunk of a collection is there, or no more will come.
    private func wakeWriter(of collection: Int) {
        if isWriterWaiting, collection == head { condition.broadcast() }
    }

    /// Wakes up all threads that wait: the operation has failed.
    func fail() {
        condition.withLock {
            hasFailed = true
            condition.broadcast()
        }
    }
}
