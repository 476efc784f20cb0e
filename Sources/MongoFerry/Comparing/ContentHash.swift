/// A 64-bit hash of a document's bytes that nobody can predict: its seeds are random in each run.
///
/// Two documents with the same `_id` and the same hash are treated as equal. That is wrong for one in 2^64 pairs, even
/// if somebody crafts documents, since that requires knowing the seeds.
struct ContentHash: Sendable {
    private let first: UInt64
    private let second: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        first = generator.next()
        second = generator.next() | 1
    }

    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = first ^ UInt64(bytes.count)
        var at = 0
        while at + 16 <= bytes.count {
            hash = fold(word(bytes, at) ^ hash, word(bytes, at + 8) ^ second)
            at += 16
        }
        var low: UInt64 = 0
        var high: UInt64 = 0
        for index in at..<bytes.count {
            if index - at < 8 { low = low << 8 | UInt64(bytes[index]) } else { high = high << 8 | UInt64(bytes[index]) }
        }
        hash = fold(low ^ hash, high ^ second)
        return fold(hash ^ second, first)
    }

    @inline(__always) private func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    }

    /// Combines both halves of the product. If one factor happens to be 0, the other would be lost, so it is added.
    @inline(__always) private func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low &+ (left ^ right.byteSwapped)
    }
}
