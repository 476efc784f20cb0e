import BSON
import Foundation

/// Rows of one collection, encoded, on their way to the writer.
struct Chunk: Sendable {
    let rows: ByteBuffer
    let count: Int
    /// Rows that had to be carried as `$rawBSON`.
    let escaped: Int
    /// Whether it is a huge document.
    fileprivate(set) var isHuge = false
}

/// Brings chunks from several readers, over several encoders, to the writer: collection by collection, and within one
/// in the order in which they were read.
///
/// A reader takes a place in the line before its documents are encoded; the writer waits for the chunk of the first
/// place. Readers that are ahead, in collections whose turn hasn't come, wait after a few chunks, so memory stays
/// bounded however many collections there are; the readers of the collection that is being written never wait for others,
/// and encoders for nobody, so nothing can lock up.
// @unchecked: every access to the state is under the condition's lock.
final class OrderedChunks: @unchecked Sendable {
    /// One chunk's place in the line of its collection.
    struct Place: Sendable {
        let collection: Int
        fileprivate let number: Int
        fileprivate let bytes: Int

        /// Whether the collection's rows begin with it.
        var isFirst: Bool { number == 0 }
        fileprivate var isHuge: Bool { bytes > OrderedChunks.hugeBytes }
    }

    private struct Line {
        /// Chunks by their places; nil for those that are not encoded yet.
        var chunks: [Chunk?] = []
        /// The number of the first place.
        var first = 0
        /// Bytes of documents that are in the line.
        var bytes = 0
        var openParts: Int
    }

    private let condition = NSCondition()
    private var lines: [Line]
    private var head = 0
    private var spare: [ByteBuffer] = []
    private var hasFailed = false
    /// Bytes and places of all lines.
    private var (bytes, places) = (0, 0)
    /// Huge documents in the lines.
    private var huge = 0

    /// Bytes of documents in the line of the collection whose turn it is, and of each one behind it. A chunk is less than
    /// 1 MB, but one document can make it sixteen: then it goes by itself.
    private let headLimit: Int
    private let patience: Double
    private static let aheadLimit = 3 << 20
    /// Bytes and chunks of all collections behind that one: a chunk's buffer may be larger than what is in it.
    private static let (aheadTotal, aheadPlaces) = (8 << 20, 32)
    static let hugeBytes = 8 << 20

    /// - Parameters:
    ///   - parts: how many readers' parts each collection has.
    ///   - isDistant: whether a question to the server takes long: then two of its larger batches have room, so that the
    ///     next one is asked for as soon as one has come.
    ///   - patience: seconds after which whoever waits shows that it is still there.
    init(parts: [Int], isDistant: Bool, patience: Double = 60) {
        self.patience = patience
        lines = parts.map { Line(openParts: $0) }
        headLimit = isDistant ? 10 << 20 : 3 << 20
    }

    // MARK: Buffers

    /// A buffer to fill, used before if there is one.
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
    ///   - bytes: of the documents that go there.
    ///   - whileWaiting: called now and then as long as there is no room.
    /// - Throws: `CancellationError` where another thread has stopped; what `whileWaiting` throws.
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

    /// Waits until no huge document is on its way: what comes next may be one too. The writer waits for nobody to bring
    /// it away.
    /// - Throws: `CancellationError` where another thread has stopped; what `whileWaiting` throws.
    func waitForHuge(_ whileWaiting: () throws -> Void = {}) throws {
        condition.lock()
        defer { condition.unlock() }
        try wait(whileWaiting) { huge == 0 }
    }

    /// Waits until it is a collection's turn to be written.
    /// - Throws: `CancellationError` where another thread has stopped; what `whileWaiting` throws.
    func waitForTurn(of collection: Int, _ whileWaiting: () throws -> Void = {}) throws {
        condition.lock()
        defer { condition.unlock() }
        try wait(whileWaiting) { head >= collection }
    }

    /// Waits until something is true. Called with the lock held, which `whileWaiting` is called without.
    private func wait(_ whileWaiting: () throws -> Void, until isTrue: () -> Bool) throws {
        var deadline = Date().addingTimeInterval(patience)
        while !hasFailed, !isTrue() {
            // Every chunk that others bring wakes everybody up.
            if condition.wait(until: deadline), Date() < deadline { continue }
            condition.unlock()
            defer { condition.lock() }
            try whileWaiting()
            deadline = Date().addingTimeInterval(patience)
        }
        if hasFailed { throw CancellationError() }
    }

    /// A huge document waits until it is its collection's turn: another, of the one before, is on its way still.
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

    /// Nothing more comes of one part.
    func endPart(collection: Int) {
        condition.withLock {
            lines[collection].openParts -= 1
            condition.broadcast()
        }
    }

    // MARK: The encoders' side

    func fill(_ place: Place, with chunk: Chunk) {
        condition.withLock {
            var chunk = chunk
            chunk.isHuge = place.isHuge
            lines[place.collection].chunks[place.number - lines[place.collection].first] = chunk
            add(chunk.rows.count - place.bytes, to: place.collection)
            condition.broadcast()
        }
    }

    // MARK: The writer's side

    /// The next chunk of the collection whose turn it is; nil when the collection is done. ``finish(_:of:)`` must follow.
    /// - Throws: `CancellationError` where another thread has stopped.
    func next(collection: Int) throws -> Chunk? {
        condition.lock()
        defer { condition.unlock() }
        if head != collection {
            head = collection
            condition.broadcast()
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
            condition.wait()
        }
    }

    /// The chunk has been written. Its place is free only now: what is being written is held in memory too.
    func finish(_ chunk: Chunk, of collection: Int) {
        let bytes = chunk.rows.count
        recycle(chunk.rows)
        condition.withLock {
            add(-bytes, to: collection)
            if chunk.isHuge { huge -= 1 }
            condition.broadcast()
        }
    }

    /// Wakes up everybody: the operation has failed.
    func fail() {
        condition.withLock {
            hasFailed = true
            condition.broadcast()
        }
    }
}
