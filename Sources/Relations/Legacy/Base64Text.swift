/// Base64 as JSON.stringify writes binary values: the standard alphabet, padded.
enum Base64Text {
    /// The bytes; nil where a character is none of the alphabet's, the padding is wrong or stray bits are set.
    static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        for group in stride(from: 0, to: text.count, by: 4) {
            let isLast = group + 4 == text.count
            let padding = !isLast || text[group + 3] != 0x3D ? 0 : text[group + 2] == 0x3D ? 2 : 1
            var bits: UInt32 = 0
            for index in 0..<4 {
                guard index < 4 - padding else {
                    bits <<= 6
                    continue
                }
                guard let digit = digit(text[group + index]) else { return nil }
                bits = bits << 6 | digit
            }
            guard bits & (1 << (8 * UInt32(padding)) - 1) == 0 else { return nil }
            for index in 0..<(3 - padding) { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index))) }
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5A: UInt32(byte - 0x41)
        case 0x61...0x7A: UInt32(byte - 0x61 + 26)
        case 0x30...0x39: UInt32(byte - 0x30 + 52)
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
