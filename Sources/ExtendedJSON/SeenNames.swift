#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Hashes of the names in all open documents, the innermost document's last.
///
/// Extended JSON readers keep only one of two equal names, so duplicates must be detected. Names are compared by a
/// 64-bit hash: if two different names share one, a document is only escaped without need.
struct SeenNames: ~Copyable {
    /// The part of one document: where it begins, and a filter with a bit for each hash, so that most new names need no
    /// search.
    struct Document {
        fileprivate let first: Int
        fileprivate var filter: UInt64 = 0
    }

    /// Up to this many names, searching the list is cheaper than sorting it.
    private static var listLimit: Int { 48 }

    private var hashes: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private var count = 0

    init() {
        capacity = 256
        hashes = Self.resized(nil, to: capacity)
    }

    deinit { free(hashes) }

    @inline(__always) mutating func removeAll() { count = 0 }

    @inline(__always) func open() -> Document { Document(first: count) }

    /// Adds a name; returns false if it is a duplicate. Duplicates in a long list are left to ``close(_:)``.
    @inline(__always) mutating func insert(_ hash: UInt64, in document: inout Document) -> Bool {
        let bit: UInt64 = 1 << (hash >> 58)
        if document.filter & bit != 0, count - document.first <= Self.listLimit {
            for index in document.first..<count where hashes[index] == hash { return false }
        }
        document.filter |= bit
        if count == capacity { grow() }
        hashes[count] = hash
        count += 1
        return true
    }

    @inline(never) private mutating func grow() {
        capacity *= 2
        hashes = Self.resized(hashes, to: capacity)
    }

    /// Uses `realloc`: a large block is moved by remapping its pages, so that growing never holds it twice.
    private static func resized(
        _ start: UnsafeMutablePointer<UInt64>?, to capacity: Int
    ) -> UnsafeMutablePointer<UInt64> {
        let size = capacity * MemoryLayout<UInt64>.stride
        guard let block = realloc(start, size) else { preconditionFailure("out of memory for \(size) bytes") }
        return block.assumingMemoryBound(to: UInt64.self)
    }

    /// Whether a document with very many names has made the list too large to keep.
    var isHuge: Bool { capacity > 1 << 16 }

    /// Ends the document; returns false if a long list contains a duplicate.
    @inline(__always) mutating func close(_ document: Document) -> Bool {
        let isUnique = count - document.first <= Self.listLimit || hasNoRepeats(document)
        count = document.first
        return isUnique
    }

    @inline(never) private func hasNoRepeats(_ document: Document) -> Bool {
        // In place: the document's part of the list is dropped afterwards.
        var names = UnsafeMutableBufferPointer(start: hashes + document.first, count: count - document.first)
        names.sort()
        for index in 1..<names.count where names[index] == names[index - 1] { return false }
        return true
    }
}

/// A hash of a name's bytes, one word at a time.
enum NameHash {
    @inline(__always) static func add(_ word: UInt64, to hash: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low &+ 0x632B_E59B_D9B4_E019
    }

    /// Adds the last, shorter word. Names contain no zero bytes, so the zeros that pad it encode its length.
    @inline(__always) static func finish(_ word: UInt64, _ hash: UInt64) -> UInt64 {
        let product = (hash ^ word &+ 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }
}
