import BSON

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
            guard let high = HexDigit.value(text[index]), let low = HexDigit.value(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }
}
