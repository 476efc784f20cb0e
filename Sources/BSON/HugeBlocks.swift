import Synchronization

#if canImport(Glibc)
    import CGlibc
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Blocks of huge documents, kept for the next ones where ``keeping(_:_:)`` says so.
///
/// The system clears every page of a fresh block, which takes about as long as decoding what goes there. Hardly more
/// memory is held than without: a new block is made only where none is kept that is large enough.
public final class HugeBlocks: Sendable {
    // @unchecked: whoever has a block has its bytes, and it has one owner at a time.
    struct Block: @unchecked Sendable {
        let start: UnsafeMutablePointer<UInt8>
        let size: Int
    }

    /// Of rows of a file.
    public static let rows = HugeBlocks()
    /// Of documents that are made of these: apart, or the one of a short row would be as large as a document.
    public static let documents = HugeBlocks()

    /// Bytes that only buffers of huge documents have.
    static let smallest = 4 << 20
    /// More than twice what one document takes as text.
    private static let largest = 48 << 20

    private let kept = Mutex((limit: 0, blocks: [Block]()))

    /// Keeps up to so many blocks while `body` runs.
    ///
    /// Not where something else, such as a driver's replies, takes memory in turn with the buffers.
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
                // What buffers had before they took a block lies about in the allocator.
                if !surplus.isEmpty { malloc_trim(0) }
            #endif
        }
        return try body()
    }

    /// A block of at least so many bytes; nil where none is kept.
    func take(_ size: Int) -> Block? {
        kept.withLock { kept in
            kept.blocks.firstIndex { $0.size >= size }.map { kept.blocks.remove(at: $0) }
        }
    }

    /// Takes a block, made by `malloc`, that a buffer no longer needs; false where the buffer is to free it.
    func keep(_ block: Block) -> Bool {
        guard block.size >= Self.smallest, block.size <= Self.largest else { return false }
        return kept.withLock { kept in
            guard kept.blocks.count < kept.limit else { return false }
            kept.blocks.append(block)
            return true
        }
    }
}
