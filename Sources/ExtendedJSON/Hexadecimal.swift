/// Hexadecimal digits, eight at a time.
enum Hexadecimal {
    /// The eight digits of a number, most significant first, as a big-endian word of ASCII.
    @inline(__always) static func digits(_ number: UInt32) -> UInt64 {
        var word = UInt64(number)
        word = (word << 16 | word) & 0x0000_FFFF_0000_FFFF
        word = (word << 8 | word) & 0x00FF_00FF_00FF_00FF
        word = (word << 4 | word) & 0x0F0F_0F0F_0F0F_0F0F
        return ascii(word)
    }

    @inline(__always) private static func ascii(_ nibbles: UInt64) -> UInt64 {
        let letters = (nibbles &+ WordScan.ones &* 6) >> 4 & WordScan.ones
        return nibbles &+ WordScan.ones &* 0x30 &+ letters &* 0x27
    }

    /// The number that eight ASCII digits denote, read as a big-endian word, in either case; nil if one is not a digit.
    @inline(__always) static func number(_ text: UInt64) -> UInt32? {
        let letters = text >> 6 & WordScan.ones
        let nibbles = (text & (WordScan.ones &* 0x0F)) &+ letters &* 9
        guard nibbles & (WordScan.ones &* 0xF0) == 0, ascii(nibbles) == text | letters &* 0x20 else { return nil }
        var word = nibbles
        word = (word | word >> 4) & 0x00FF_00FF_00FF_00FF
        word = (word | word >> 8) & 0x0000_FFFF_0000_FFFF
        word = (word | word >> 16) & 0x0000_0000_FFFF_FFFF
        return UInt32(truncatingIfNeeded: word)
    }
}
