import BSON
import Foundation

/// Rows of one collection, encoded, on their way to the writer.
struct Chunk: Sendable {
    let rows: ByteBuffer
    let count: Int
    /// Rows that had to be carried as `$rawBSON`.
    let escaped: Int
}

/// Brings chunks from several readers to the writer, collection by collection.
///
/// Rows of one collection may come from several readers in any order. A reader that is ahead, in a collection whose
/// turn hasn't come, waits after a few chunks, so memory stays bounded; the readers of the collection that is being
/// written never wait for others, so nothing can lock up.
// @unchecked: every access to the state is under the condition's lock.
final class OrderedChunks: @unchecked Sendable {
    private let condition = NSCondition()
    private var waiting: [[Chunk]]
    private var waitingBytes: [Int]
    private var openParts: [Int]
    private var head = 0
    private var spare: [ByteBuffer] = []
    private var hasFailed = false

    /// Bytes that wait of the collection whose turn it is, and of each one behind it. A chunk is about 1 MB, but one
    /// document can make it a hundred: then it goes by itself.
    private static let headLimit = 8 << 20
    private static let aheadLimit = 3 << 20

    /// - Parameter parts: how many readers' parts each collection has.
    init(parts: [Int]) {
        waiting = parts.map { _ in [] }
        waitingBytes = parts.map { _ in 0 }
        openParts = parts
    }

    /// A buffer to fill, used before if there is one.
    func buffer() -> ByteBuffer {
        condition.lock()
        defer { condition.unlock() }
        return spare.popLast() ?? ByteBuffer(capacity: 1 << 20)
    }

    func recycle(_ buffer: ByteBuffer) {
        buffer.reset(keeping: 2 << 20)
        condition.lock()
        if spare.count < 16 { spare.append(buffer) }
        condition.unlock()
    }

    /// - Throws: `CancellationError` where the other side has stopped.
    func push(_ chunk: Chunk, collection: Int) throws {
        condition.lock()
        defer { condition.unlock() }
        while !hasFailed, waitingBytes[collection] > 0,
            waitingBytes[collection] + chunk.rows.count > (collection == head ? Self.headLimit : Self.aheadLimit)
        {
            condition.wait()
        }
        if hasFailed { throw CancellationError() }
        waiting[collection].append(chunk)
        waitingBytes[collection] += chunk.rows.count
        condition.broadcast()
    }

    func endPart(collection: Int) {
        condition.lock()
        openParts[collection] -= 1
        condition.broadcast()
        condition.unlock()
    }

    /// The next chunk of the collection whose turn it is; nil when the collection is done.
    /// - Throws: `CancellationError` where a reader has stopped.
    func next(collection: Int) throws -> Chunk? {
        condition.lock()
        defer { condition.unlock() }
        if head != collection {
            head = collection
            condition.broadcast()
        }
        while !hasFailed, waiting[collection].isEmpty, openParts[collection] > 0 { condition.wait() }
        if hasFailed { throw CancellationError() }
        guard !waiting[collection].isEmpty else { return nil }
        let chunk = waiting[collection].removeFirst()
        waitingBytes[collection] -= chunk.rows.count
        condition.broadcast()
        return chunk
    }

    /// Wakes up everybody: the operation has failed.
    func fail() {
        condition.lock()
        hasFailed = true
        condition.broadcast()
        condition.unlock()
    }
}
