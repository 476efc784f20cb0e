import BSON
import CZlib
import Foundation

/// Makes gzip of what one thread writes, in blocks that others may deflate beside it.
///
/// Each block is a member of its own, and members that follow each other are one file to every reader: RFC 1952, section
/// 2.2. Blocks are cut by their length alone, so equal content makes equal files, whoever deflates which of them. The
/// thread that writes deflates what nobody else has begun: help makes it faster, and none is needed.
// @unchecked: every access to the state is under the condition's lock, but for the block that is being filled, spare ones
// and the deflater of the thread that writes, which that one alone uses; a block that was taken belongs to who has it.
final class GzipBlocks: @unchecked Sendable {
    /// A block's beginning has nothing before it to point back to, so the shorter they are, the larger is the file: of
    /// these, less than a hundredth.
    static let blockBytes = 512 << 10

    /// Blocks that wait for those who help, beside the ones that these have.
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
    /// Blocks on their way, in the order of the file.
    private var underWay: [Block] = []
    private var helpers = 0
    private var isDismissed = false

    /// - Parameter path: of the file, for errors.
    /// - Throws: ``BackupError`` where zlib cannot be started.
    init(_ path: String) throws(BackupError) {
        self.path = path
        deflater = try Deflater(path)
    }

    // MARK: The thread that writes

    /// - Parameter put: takes members as they are ready, in order.
    /// - Throws: ``BackupError`` where zlib fails; what `put` throws.
    func write(_ bytes: UnsafeRawBufferPointer, _ put: (UnsafeRawBufferPointer) throws -> Void) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(Self.blockBytes - filling.content.count)
            filling.content.append(UnsafeRawBufferPointer(rebasing: part))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            if filling.content.count == Self.blockBytes { try passOn(put) }
        }
    }

    /// Ends the last block and waits for all of them.
    /// - Throws: ``BackupError`` where zlib fails; what `put` throws.
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
        // A few wait for those who deflate.
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

    /// Takes the first block away, deflated: here, where nobody has begun it.
    /// - Parameter isNeeded: whether it is to be waited for, by how many there are; called under the lock.
    /// - Returns: nil where there is none, or it is not ready and not needed.
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

    /// Deflates blocks as they come, until ``dismissHelpers()``. Runs on a thread of its own, as often as there are threads
    /// for it.
    func help() {
        // Where there is no memory for another, the others do it.
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

    /// Lets those who help go. What they have not begun is left to the thread that writes.
    func dismissHelpers() {
        condition.withLock {
            isDismissed = true
            condition.broadcast()
        }
    }

    /// Called under the lock, which it gives back meanwhile.
    private func deflate(_ block: Block, _ deflater: Deflater) {
        block.state = .taken
        condition.unlock()
        let isDone = deflater.deflate(block.content.bytes, into: block.member)
        condition.lock()
        block.state = isDone ? .deflated : .refused
        condition.broadcast()
    }
}

/// Makes one gzip member after the other. Belongs to one thread.
private final class Deflater {
    /// zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Throws: ``BackupError`` where zlib cannot be started.
    init(_ path: String) throws(BackupError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Level 6 and 8 of memory are zlib's defaults; 15 bits of window, and 16: gzip framing.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            stream.deallocate()
            throw BackupError.unavailable(path, "zlib cannot be started")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// - Returns: whether all of it was deflated.
    func deflate(_ content: UnsafeRawBufferPointer, into member: ByteBuffer) -> Bool {
        member.count = 0
        member.reserve(Int(deflateBound(stream, UInt(content.count))))
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: content.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = UInt32(content.count)
        stream.pointee.next_out = member.storage.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(member.storage.count)
        // With so much room it takes one call.
        guard CZlib.deflate(stream, Z_FINISH) == Z_STREAM_END else { return false }
        member.count = member.storage.count - Int(stream.pointee.avail_out)
        return deflateReset(stream) == Z_OK
    }
}
