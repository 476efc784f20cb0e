/// Eight bytes at a time: which of them need attention?
///
/// Each function returns a word whose bytes have their top bit set where the test holds. A bit above a true hit may
/// be a false one (borrows travel upward), the lowest is always right; callers look at the lowest only.
enum WordTests {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let tops: UInt64 = 0x8080_8080_8080_8080

    @inline(__always) static func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & tops }

    @inline(__always) static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        zeros(word ^ (ones &* UInt64(byte)))
    }

    /// Bytes that cannot stand as they are inside a JSON string: controls, quote, backslash, and all but ASCII,
    /// which has to be checked.
    @inline(__always) static func special(_ word: UInt64) -> UInt64 {
        let controls = (word &- ones &* 0x20) & ~word
        return (controls | word) & tops | equal(word, 0x22) | equal(word, 0x5C)
    }

    /// Bytes below the lowest hit; 8 where there is none.
    @inline(__always) static func clean(_ hits: UInt64) -> Int { hits.trailingZeroBitCount >> 3 }
}
