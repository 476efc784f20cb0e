import BSON
import CZlib
import Foundation

/// Compresses one thread's output to gzip, in blocks that other threads can deflate in parallel.
///
/// Each block is a member of its own, and consecutive members are one file to every reader: RFC 1952, section 2.2.
/// Blocks are cut by length alone, so equal content makes equal files, whichever thread deflates which block. The
/// writing thread deflates what nobody else has begun: helpers make it faster, but none is needed.
// @unchecked: all state is accessed under the condition's lock, except the block being filled, the spare blocks and the
// writing thread's deflater, which only that thread uses; a taken block belongs to the thread that took it.
final class GzipBlocks: @unchecked Sendable {
    /// A block has no earlier content to refer back to, so shorter blocks make a larger file: at this size, by less
    /// than a hundredth.
    static let blockBytes = 512 << 10

    /// The number of blocks that may wait for helpers, besides those that helpers are deflating.
    private static let waiting = 2

    private final class Block {
        enum State { case waiting, taken, deflated, refused }

        let content = ByteBuffer(capacity: GzipBlocks.blockBytes)
        let member = ByteBuffer()
        var state = State.waiting
    }

    private let path: String
    private let deflater: Deflater
    private var filling = Block()
    private var spare: [Block] = []

    private let condition = NSCondition()
    /// Blocks in progress, in the order of the file.
    private var underWay: [Block] = []
    private var helpers = 0
    private var isDismissed = false

    /// - Parameter path: the path of the file, for errors.
    /// - Throws: ``BackupError`` if zlib cannot be started.
    init(_ path: String) throws(BackupError) {
        self.path = path
        deflater = try Deflater(path)
    }

    // MARK: The thread that writes

    /// - Parameter put: takes members as they become ready, in order.
    /// - Throws: ``BackupError`` if zlib fails; whatever `put` throws.
    func write(_ bytes: UnsafeRawBufferPointer, _ put: (UnsafeRawBufferPointer) throws -> Void) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(Self.blockBytes - filling.content.count)
            filling.content.append(UnsafeRawBufferPointer(rebasing: part))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            if filling.content.count == Self.blockBytes { try passOn(put) }
        }
    }

    /// Ends the last block and waits for all blocks.
    /// - Throws: ``BackupError`` if zlib fails; whatever `put` throws.
    func finish(_ put: (UnsafeRawBufferPointer) throws -> Void) throws {
        if filling.content.count > 0 { try passOn(put) }
        while let block = try first(waiting: { _ in true }) { try write(block, put) }
    }

    private func passOn(_ put: (UnsafeRawBufferPointer) throws -> Void) throws {
        condition.withLock {
            underWay.append(filling)
            condition.broadcast()
        }
        filling = spare.popLast() ?? Block()
        // With helpers, a few blocks may stay in progress.
        while let block = try first(waiting: { $0 > (helpers == 0 ? 0 : helpers + Self.waiting) }) {
            try write(block, put)
        }
    }

    private func write(_ block: Block, _ put: (UnsafeRawBufferPointer) throws -> Void) throws {
        try put(block.member.bytes)
        block.content.count = 0
        block.state = .waiting
        spare.append(block)
    }

    /// Removes and returns the first block once deflated; if it is needed and nobody has begun it, deflates it here.
    /// - Parameter isNeeded: whether to wait for it, given the number of blocks in progress; called under the lock.
    /// - Returns: nil if there is no block, or it is neither ready nor needed.
    private func first(waiting isNeeded: (Int) -> Bool) throws -> Block? {
        condition.lock()
        defer { condition.unlock() }
        while let block = underWay.first {
            switch block.state {
            case .deflated: return underWay.removeFirst()
            case .refused: throw BackupError.unavailable(path, "zlib cannot compress")
            case .waiting, .taken: if !isNeeded(underWay.count) { return nil }
            }
            if block.state == .waiting { deflate(block, deflater) } else { condition.wait() }
        }
        return nil
    }

    // MARK: Threads that help

    /// Deflates blocks as they come, until ``dismissHelpers()``. Occupies the calling thread; several threads may help.
    func help() {
        // If there is no memory for another deflater, the other threads do the work.
        guard let deflater = try? Deflater(path) else { return }
        condition.lock()
        defer { condition.unlock() }
        helpers += 1
        while !isDismissed {
            if let block = underWay.first(where: { $0.state == .waiting }) {
                deflate(block, deflater)
            } else {
                condition.wait()
            }
        }
        helpers -= 1
    }

    /// Releases the helpers. What they have not begun is left to the writing thread.
    func dismissHelpers() {
        condition.withLock {
            isDismissed = true
            condition.broadcast()
        }
    }

    /// Called with the lock held; releases it while deflating.
    private func deflate(_ block: Block, _ deflater: Deflater) {
        block.state = .taken
        condition.unlock()
        let isDone = deflater.deflate(block.content.bytes, into: block.member)
        condition.lock()
        block.state = isDone ? .deflated : .refused
        condition.broadcast()
    }
}

/// Makes gzip members, one after another. Belongs to one thread.
private final class Deflater {
    /// On the heap, since zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Throws: ``BackupError`` if zlib cannot be started.
    init(_ path: String) throws(BackupError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Level 6 and memory level 8 are zlib's defaults; 15 bits of window, plus 16 for gzip framing.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            throw BackupError.unavailable(path, "zlib cannot be started")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// - Returns: whether everything was deflated.
    func deflate(_ content: UnsafeRawBufferPointer, into member: ByteBuffer) -> Bool {
        member.count = 0
        member.reserve(Int(deflateBound(stream, UInt(content.count))))
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: content.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = UInt32(content.count)
        stream.pointee.next_out = member.storage.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(member.storage.count)
        // With this much room, one call is enough.
        guard CZlib.deflate(stream, Z_FINISH) == Z_STREAM_END else { return false }
        member.count = member.storage.count - Int(stream.pointee.avail_out)
        return deflateReset(stream) == Z_OK
    }
}
