#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Bytes that grow, and whose room is used again.
///
/// Belongs to one thread at a time; whole buffers travel through queues.
// @unchecked: no lock inside. Queues hand a buffer over whole, and the sender does not touch it afterwards.
public final class ByteBuffer: @unchecked Sendable {
    // Unchecked: a check at run time costs more than what these are used for, and a buffer has one thread at a time.
    @exclusivity(unchecked) @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @exclusivity(unchecked) @usableFromInline var capacity: Int
    /// Bytes written.
    @exclusivity(unchecked) public var count: Int

    private static let smallestCapacity = 64

    private let blocks: HugeBlocks?

    /// - Parameter blocks: where huge blocks come from and go to.
    public init(capacity: Int = 4096, blocks: HugeBlocks? = nil) {
        self.blocks = blocks
        self.capacity = max(capacity, Self.smallestCapacity)
        start = Self.resized(nil, to: self.capacity)
        count = 0
    }

    deinit {
        if !isKept() { free(start) }
    }

    /// Whether somebody else has the block from now on.
    private func isKept() -> Bool { blocks?.keep(HugeBlocks.Block(start: start, size: capacity)) ?? false }

    /// `realloc`, not a new allocation and a copy: a large block is moved by remapping its pages, so that growing
    /// never holds it twice.
    private static func resized(_ start: UnsafeMutablePointer<UInt8>?, to size: Int) -> UnsafeMutablePointer<UInt8> {
        guard let block = realloc(start, size) else { preconditionFailure("out of memory for \(size) bytes") }
        if size >= HugeBlocks.smallest { askForHugePages(block, size) }
        return block.assumingMemoryBound(to: UInt8.self)
    }

    /// A document of 16 MB is then some pages of 2 MB instead of 4,000, each of which costs a fault: madvise(2). Refused
    /// by systems that have none, which does no harm.
    private static func askForHugePages(_ block: UnsafeMutableRawPointer, _ size: Int) {
        #if os(Linux)
            let page = UInt(max(sysconf(Int32(_SC_PAGESIZE)), 1))
            // The whole mapping, to its last page: one of which only a part is advised could not be moved by `realloc`.
            let first = UInt(bitPattern: block) / page * page
            let end = (UInt(bitPattern: block) + UInt(size) + page - 1) / page * page
            madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), Int32(MADV_HUGEPAGE))
        #endif
    }

    @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// The room from the beginning, for callers that fill it themselves and then set ``count``.
    @inlinable public var storage: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: start, count: capacity)
    }

    /// Forgets the content, and gives memory back where one huge document had made the buffer larger than `limit`: then
    /// all but a megabyte, which is likely to be enough for what follows.
    public func reset(keeping limit: Int = 8 << 20) {
        count = 0
        guard capacity > limit else { return }
        if isKept() {
            capacity = Self.smallestCapacity
            start = Self.resized(nil, to: capacity)
        } else {
            capacity = max(min(limit, 1 << 20), Self.smallestCapacity)
            start = Self.resized(start, to: capacity)
        }
    }

    /// Gives back what a huge block has more than its content needs.
    public func trim() {
        guard capacity >= HugeBlocks.smallest, count < capacity else { return }
        capacity = max(count, HugeBlocks.smallest)
        start = Self.resized(start, to: capacity)
    }

    /// Makes sure that `extra` bytes fit behind the content.
    /// - Parameter most: bytes that the content will not exceed, as far as the caller knows.
    public func reserve(_ extra: Int, most: Int = .max) {
        guard capacity - count < extra else { return }
        // Doubling at first; for huge rows by half, so that one 16 MB document doesn't take 200 MB.
        let grown = capacity < 32 << 20 ? capacity * 2 : capacity + capacity / 2
        resize(to: max(min(grown, most), count + extra), atLeast: count + extra)
    }

    private func resize(to size: Int, atLeast needed: Int) {
        if size >= HugeBlocks.smallest, capacity < HugeBlocks.smallest, let block = blocks?.take(needed) {
            UnsafeMutableRawPointer(block.start).copyMemory(from: start, byteCount: count)
            free(start)
            (start, capacity) = (block.start, block.size)
            return
        }
        start = Self.resized(start, to: size)
        capacity = size
    }

    @inlinable public func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(start + count).copyMemory(from: base, byteCount: bytes.count)
        count += bytes.count
    }

    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    public func append(byte: UInt8) {
        reserve(1)
        start[count] = byte
        count += 1
    }

    /// Exchanges the contents of two buffers without copying them.
    public func exchange(with other: ByteBuffer) {
        swap(&start, &other.start)
        swap(&capacity, &other.capacity)
        swap(&count, &other.count)
    }

    /// Drops `length` bytes from the front.
    public func removeFirst(_ length: Int) {
        precondition(length <= count, "more than the buffer holds")
        start.update(from: start + length, count: count - length)
        count -= length
    }

    /// A writer that keeps its place in registers; ``ByteWriter/finish()`` must follow.
    @inlinable public func makeWriter() -> ByteWriter { ByteWriter(self) }
}

/// Writes to the end of a ``ByteBuffer`` without a call or an exclusivity check per byte.
///
/// Everything but ``reserve(_:)`` trusts that there is room: reserve first.
@frozen public struct ByteWriter: ~Copyable {
    public let buffer: ByteBuffer
    /// Where the next byte goes.
    public var next: UnsafeMutablePointer<UInt8>
    /// A copy of the buffer's own: access to a class's fields is checked at run time, to a local value's it is not.
    @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @usableFromInline var limit: UnsafeMutablePointer<UInt8>
    /// Where what is bounded begins, and how long it may become.
    private var bounds = (origin: 0, length: Int.max)
    /// Whether it would have become longer: then what stands there is worth nothing.
    public private(set) var isOverfull = false

    @inlinable init(_ buffer: ByteBuffer) {
        self.buffer = buffer
        start = buffer.start
        next = buffer.start + buffer.count
        limit = buffer.start + buffer.capacity
    }

    /// Bytes from the beginning of the buffer to where the next one goes.
    @inlinable public var position: Int { next - start }

    /// Moves back, dropping what was written since, or forward over bytes written through ``next``.
    @inlinable public mutating func move(to position: Int) { next = start + position }

    /// The byte at a position that was written already.
    @inlinable public func pointer(at position: Int) -> UnsafeMutablePointer<UInt8> { start + position }

    @inlinable @inline(__always) public mutating func reserve(_ bytes: Int) {
        if limit - next < bytes { grow(bytes) }
    }

    /// Lets the buffer grow by so many bytes from here, and no more: what comes after them is written over the first, and
    /// ``isOverfull`` says so.
    public mutating func bound(to length: Int) { bounds = (position, length) }

    @inline(never) @usableFromInline mutating func grow(_ bytes: Int) {
        if position - bounds.origin + bytes > bounds.length {
            isOverfull = true
            move(to: bounds.origin)
        }
        buffer.count = position
        buffer.reserve(bytes, most: bounds.length < Int.max ? bounds.origin + bounds.length : .max)
        start = buffer.start
        next = buffer.start + buffer.count
        limit = buffer.start + buffer.capacity
    }

    @inlinable @inline(__always) public mutating func put(_ byte: UInt8) {
        next.pointee = byte
        next += 1
    }

    @inlinable @inline(__always) public mutating func put(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        UnsafeMutableRawPointer(next).copyMemory(from: text.utf8Start, byteCount: count)
        next += count
    }

    @inlinable @inline(__always) public mutating func put<Number: FixedWidthInteger>(littleEndian number: Number) {
        UnsafeMutableRawPointer(next).storeBytes(of: number.littleEndian, as: Number.self)
        next += MemoryLayout<Number>.size
    }

    @inlinable @inline(__always) public mutating func put(copying source: UnsafeRawPointer, count: Int) {
        UnsafeMutableRawPointer(next).copyMemory(from: source, byteCount: count)
        next += count
    }

    /// Tells the buffer how much was written.
    @inlinable public consuming func finish() { buffer.count = position }
}
