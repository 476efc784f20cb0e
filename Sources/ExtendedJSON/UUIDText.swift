/// A UUID as text: hexadecimal digits in groups of 8, 4, 4, 4 and 12. Source: RFC 9562, section 4.
public enum UUIDText {
    private static let length = 36
    private static let hyphens = [8, 13, 18, 23]

    /// The 16 bytes; nil if the text has another form.
    public static func bytes(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count == length, hyphens.allSatisfy({ text[$0] == 0x2D }) else { return nil }
        var bytes: [UInt8] = []
        var index = 0
        while index < length {
            if hyphens.contains(index) { index += 1 }
            guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte & 15
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
