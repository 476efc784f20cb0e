import Synchronization

#if canImport(Glibc)
    import CGlibc
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory blocks of huge documents, kept for the next ones during ``keeping(_:_:)``.
///
/// The system clears every page of a fresh block, which takes about as long as decoding what goes there. This holds
/// hardly more memory: a new block is allocated only if no kept one is large enough.
public final class HugeBlocks: Sendable {
    // @unchecked: whoever has a block has its bytes, and it has one owner at a time.
    struct Block: @unchecked Sendable {
        let start: UnsafeMutablePointer<UInt8>
        let size: Int
    }

    /// For the rows of a file.
    public static let rows = HugeBlocks()
    /// For documents made from these rows. Separate, or the block of a short row would be as large as a document.
    public static let documents = HugeBlocks()

    /// The minimum block size in bytes: only buffers of huge documents reach it.
    static let smallest = 4 << 20
    /// The maximum block size in bytes: more than twice what one document takes as text.
    private static let largest = 48 << 20

    private let kept = Mutex((limit: 0, blocks: [Block]()))

    /// Keeps up to `count` blocks while `body` runs.
    ///
    /// Not for use where something else, such as a driver's replies, allocates memory in turn with the buffers.
    public func keeping<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
        kept.withLock { $0.limit += count }
        defer {
            let surplus = kept.withLock { kept in
                kept.limit -= count
                let surplus = kept.blocks.dropFirst(kept.limit)
                kept.blocks.removeLast(surplus.count)
                return surplus
            }
            for block in surplus { free(block.start) }
            #if canImport(Glibc)
                // The allocator still holds the memory that buffers had before they took a block.
                if !surplus.isEmpty { malloc_trim(0) }
            #endif
        }
        return try body()
    }

    /// Takes a block of at least `size` bytes; nil if none is kept.
    func take(_ size: Int) -> Block? {
        kept.withLock { kept in
            kept.blocks.firstIndex { $0.size >= size }.map { kept.blocks.remove(at: $0) }
        }
    }

    /// Keeps a block, allocated by `malloc`, that a buffer no longer needs; false if the buffer must free it.
    func keep(_ block: Block) -> Bool {
        guard block.size >= Self.smallest, block.size <= Self.largest else { return false }
        return kept.withLock { kept in
            guard kept.blocks.count < kept.limit else { return false }
            kept.blocks.append(block)
            return true
        }
    }
}
