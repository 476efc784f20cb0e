/// The names of one document so far: has this one stood there before?
///
/// Extended JSON readers keep one of two equal names, so a repeated one must be noticed. Names are compared by a
/// 64-bit hash: two different names that share one would only make a document escaped that need not be.
struct SeenNames {
    private let scratch: EncoderScratch
    private let first: Int
    private var filter: UInt64 = 0

    /// Up to so many names a look through the list is cheaper than sorting it.
    private static var listLimit: Int { 48 }

    @inline(__always) init(_ scratch: EncoderScratch) {
        self.scratch = scratch
        first = scratch.keys.count
    }

    /// Notes a name; false where it has been there, unless the list is long: then ``close()`` tells.
    @inline(__always) mutating func insert(_ hash: UInt64) -> Bool {
        let bit: UInt64 = 1 << (hash >> 58)
        if filter & bit != 0, scratch.keys.count - first <= Self.listLimit {
            for index in first..<scratch.keys.count where scratch.keys[index] == hash { return false }
        }
        filter |= bit
        scratch.keys.append(hash)
        return true
    }

    /// Ends the document; false where a name of a long list was repeated.
    @inline(__always) mutating func close() -> Bool {
        let isLong = scratch.keys.count - first > Self.listLimit
        let isUnique = !isLong || hasNoRepeats()
        scratch.keys.removeSubrange(first...)
        return isUnique
    }

    @inline(never) private func hasNoRepeats() -> Bool {
        let sorted = scratch.keys[first...].sorted()
        for index in 1..<sorted.count where sorted[index] == sorted[index - 1] { return false }
        return true
    }
}

/// A hash of a name's bytes, a word at a time.
enum NameHash {
    @inline(__always) static func add(_ word: UInt64, to hash: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low &+ 0x632B_E59B_D9B4_E019
    }

    /// Adds the last, shorter word. Names hold no zero byte, so the zeros behind it stand for its length.
    @inline(__always) static func finish(_ word: UInt64, _ hash: UInt64) -> UInt64 {
        let product = (hash ^ word &+ 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }
}
