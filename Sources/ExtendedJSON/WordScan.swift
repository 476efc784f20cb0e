/// Tests eight bytes at a time for those that need attention.
///
/// Each test returns a word in which the top bit of every byte that passes is set. Bits above the lowest hit may be
/// wrong, since borrows travel upward; the lowest is always right, and callers use only that.
enum WordScan {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let tops: UInt64 = 0x8080_8080_8080_8080

    @inline(__always) static func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & tops }

    @inline(__always) static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        zeros(word ^ (ones &* UInt64(byte)))
    }

    /// Bytes that cannot be copied into a JSON string as they are: control characters, quotes, backslashes, and
    /// everything but ASCII, which must be validated.
    @inline(__always) static func special(_ word: UInt64) -> UInt64 {
        let controls = (word &- ones &* 0x20) & ~word
        return (controls | word) & tops | equal(word, 0x22) | equal(word, 0x5C)
    }

    /// The number of bytes below the lowest hit; 8 if there is none.
    @inline(__always) static func clean(_ hits: UInt64) -> Int { hits.trailingZeroBitCount >> 3 }
}
