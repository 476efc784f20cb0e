#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A growable buffer of bytes whose memory is reused.
///
/// Belongs to one thread at a time; whole buffers travel through queues.
// @unchecked: no lock inside. Queues hand a buffer over whole, and the sender does not touch it afterwards.
public final class ByteBuffer: @unchecked Sendable {
    // Unchecked: a check at run time costs more than the accesses themselves, and only one thread uses a buffer at a
    // time.
    @exclusivity(unchecked) @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @exclusivity(unchecked) @usableFromInline var capacity: Int
    /// The number of bytes written.
    @exclusivity(unchecked) public var count: Int

    private static let smallestCapacity = 64

    private let blocks: HugeBlocks?

    /// - Parameter blocks: the pool to take huge blocks from and return them to.
    public init(capacity: Int = 4096, blocks: HugeBlocks? = nil) {
        self.blocks = blocks
        self.capacity = max(capacity, Self.smallestCapacity)
        start = Self.resized(nil, to: self.capacity)
        count = 0
    }

    deinit {
        if !isKept() { free(start) }
    }

    /// Hands the block over to the pool; false if the buffer still owns it.
    private func isKept() -> Bool { blocks?.keep(HugeBlocks.Block(start: start, size: capacity)) ?? false }

    /// Uses `realloc` instead of a new allocation and a copy: a large block is moved by remapping its pages, so that
    /// growing never holds it twice.
    private static func resized(_ start: UnsafeMutablePointer<UInt8>?, to size: Int) -> UnsafeMutablePointer<UInt8> {
        guard let block = realloc(start, size) else { preconditionFailure("out of memory for \(size) bytes") }
        if size >= HugeBlocks.smallest { askForHugePages(block, size) }
        return block.assumingMemoryBound(to: UInt8.self)
    }

    /// With huge pages, a document of 16 MB takes a few pages of 2 MB instead of 4,000 small ones, each of which costs
    /// a page fault: madvise(2). Systems without huge pages refuse, which does no harm.
    private static func askForHugePages(_ block: UnsafeMutableRawPointer, _ size: Int) {
        #if os(Linux)
            let page = UInt(max(sysconf(Int32(_SC_PAGESIZE)), 1))
            // The whole mapping, to its last page: `realloc` could not move a mapping of which only a part is advised.
            let first = UInt(bitPattern: block) / page * page
            let end = (UInt(bitPattern: block) + UInt(size) + page - 1) / page * page
            madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), Int32(MADV_HUGEPAGE))
        #endif
    }

    @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// The memory from the beginning, for callers that fill it themselves and then set ``count``.
    @inlinable public var storage: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: start, count: capacity)
    }

    /// Discards the content. If a huge document made the buffer larger than `limit`, also hands the block over to the
    /// pool, or else frees all but a megabyte, which is likely to be enough for what follows.
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

    /// Frees the memory of a huge block that its content does not need.
    public func trim() {
        guard capacity >= HugeBlocks.smallest, count < capacity else { return }
        capacity = max(count, HugeBlocks.smallest)
        start = Self.resized(start, to: capacity)
    }

    /// Makes room for `extra` bytes after the content.
    /// - Parameter most: an upper bound for the size of the content, if the caller knows one.
    public func reserve(_ extra: Int, most: Int = .max) {
        guard capacity - count < extra else { return }
        // Doubles at first; huge rows grow by half, so that one 16 MB document doesn't take 200 MB.
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

    /// Removes `length` bytes from the front.
    public func removeFirst(_ length: Int) {
        precondition(length <= count, "more than the buffer holds")
        start.update(from: start + length, count: count - length)
        count -= length
    }

    /// A writer that keeps its position in registers; ``ByteWriter/finish()`` must follow.
    @inlinable public func makeWriter() -> ByteWriter { ByteWriter(self) }
}

/// Writes to the end of a ``ByteBuffer`` without a call or an exclusivity check per byte.
///
/// All methods except ``reserve(_:)`` assume that there is room: reserve first.
@frozen public struct ByteWriter: ~Copyable {
    public let buffer: ByteBuffer
    /// Where the next byte goes.
    public var next: UnsafeMutablePointer<UInt8>
    /// A copy of the buffer's pointer: access to a class's properties is checked at run time, access to a local value
    /// is not.
    @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @usableFromInline var limit: UnsafeMutablePointer<UInt8>
    /// Where the bounded part begins, and its maximum length.
    private var bounds = (origin: 0, length: Int.max)
    /// Whether the bound was exceeded: the content is then worthless.
    public private(set) var isOverfull = false

    @inlinable init(_ buffer: ByteBuffer) {
        self.buffer = buffer
        start = buffer.start
        next = buffer.start + buffer.count
        limit = buffer.start + buffer.capacity
    }

    /// The number of bytes from the beginning of the buffer to where the next one goes.
    @inlinable public var position: Int { next - start }

    /// Moves back, dropping what was written since, or forward over bytes written through ``next``.
    @inlinable public mutating func move(to position: Int) { next = start + position }

    /// A pointer to a byte that was written already.
    @inlinable public func pointer(at position: Int) -> UnsafeMutablePointer<UInt8> { start + position }

    @inlinable @inline(__always) public mutating func reserve(_ bytes: Int) {
        if limit - next < bytes { grow(bytes) }
    }

    /// Bounds the buffer's growth to `length` bytes from here. If more are needed, writing starts over at this
    /// position, and ``isOverfull`` is set.
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

    /// Sets the buffer's count to what was written.
    @inlinable public consuming func finish() { buffer.count = position }
}
