import BSON

/// Base64 with padding (RFC 4648, section 4), straight between buffers.
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes the text of `bytes`; room for ``encodedCount(_:)`` is the caller's.
    static func encode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) {
        let digits = alphabet.utf8Start
        var index = 0
        let whole = bytes.count / 3 * 3
        var next = out.next
        while index < whole {
            let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
            next[0] = digits[Int(group >> 18)]
            next[1] = digits[Int(group >> 12 & 63)]
            next[2] = digits[Int(group >> 6 & 63)]
            next[3] = digits[Int(group & 63)]
            next += 4
            index += 3
        }
        let rest = bytes.count - whole
        if rest > 0 {
            let group = UInt32(bytes[whole]) << 16 | (rest == 2 ? UInt32(bytes[whole + 1]) << 8 : 0)
            next[0] = digits[Int(group >> 18)]
            next[1] = digits[Int(group >> 12 & 63)]
            next[2] = rest == 2 ? digits[Int(group >> 6 & 63)] : 0x3D
            next[3] = 0x3D
            next += 4
        }
        out.next = next
    }

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for index in 0..<64 { table[Int(alphabet.utf8Start[index])] = UInt8(index) }
        return table
    }()

    /// Writes the bytes that `text` means; false where it is not padded base64. Reserves its own room.
    static func decode(_ text: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard text.count % 4 == 0 else { return false }
        if text.isEmpty { return true }
        var padding = 0
        if text[text.count - 1] == 0x3D { padding = text[text.count - 2] == 0x3D ? 2 : 1 }
        out.reserve(text.count / 4 * 3)
        return values.withUnsafeBufferPointer { values in
            let groups = text.count / 4 - (padding > 0 ? 1 : 0)
            var index = 0
            for _ in 0..<groups {
                let first = values[Int(text[index])]
                let second = values[Int(text[index + 1])]
                let third = values[Int(text[index + 2])]
                let fourth = values[Int(text[index + 3])]
                guard (first | second | third | fourth) < 64 else { return false }
                let group = UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6 | UInt32(fourth)
                out.put(UInt8(truncatingIfNeeded: group >> 16))
                out.put(UInt8(truncatingIfNeeded: group >> 8))
                out.put(UInt8(truncatingIfNeeded: group))
                index += 4
            }
            guard padding > 0 else { return true }
            let first = values[Int(text[index])]
            let second = values[Int(text[index + 1])]
            guard (first | second) < 64 else { return false }
            out.put(first << 2 | second >> 4)
            if padding == 2 { return second & 15 == 0 }
            let third = values[Int(text[index + 2])]
            guard third < 64, third & 3 == 0 else { return false }
            out.put(second << 4 | third >> 2)
            return true
        }
    }
}
