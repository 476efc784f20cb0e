import BSON

/// RFC 4180 fields.
public enum CSVField {
    /// A field as written in a row: quoted if necessary. A field that starts with `#` is quoted as well, so that no row
    /// can be taken for a metadata line.
    public static func text(_ value: String) -> String {
        let bytes = value.utf8
        let needsQuotes =
            bytes.isEmpty || bytes.first == 0x23 || bytes.first == 0x20 || bytes.last == 0x20
            || bytes.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else { return value }
        return "\"" + value.replacingScalar("\"", with: "\"\"") + "\""
    }

    /// The text between a field's quotes, with doubled quotes undone.
    public static func undoubled(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var isSecond = false
        for scalar in text.unicodeScalars {
            isSecond = scalar == "\"" && !isSecond && result.last == "\""
            if !isSecond { result.append(scalar) }
        }
        return String(result)
    }

    /// Whether the bytes end inside a quoted field, if only a quote at the start of a field opens one.
    static func isOpen(_ bytes: UnsafeRawBufferPointer) -> Bool {
        enum State { case start, plain, quoted, closing }
        var state = State.start
        for byte in bytes {
            switch (state, byte) {
            case (.start, 0x22): state = .quoted
            case (.quoted, 0x22): state = .closing
            case (.quoted, _): break
            case (.closing, 0x22): state = .quoted
            case (_, 0x2C), (_, 0x0A): state = .start
            default: state = .plain
            }
        }
        return state == .quoted
    }

    /// Whether the number of quotes is odd. Tests eight bytes at a time, since every byte of a file passes here twice.
    ///
    /// Each quote sets the top bit of its byte in a word; since only the parity matters, the words are combined by XOR
    /// and counted once.
    @inline(__always) static func hasOddQuotes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        var odd: UInt64 = 0
        var at = 0
        while at &+ 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ 0x2222_2222_2222_2222
            odd ^= ~((word & low) &+ low | word | low)
            at &+= 8
        }
        var count = odd.nonzeroBitCount
        while at < bytes.count {
            if bytes[at] == 0x22 { count += 1 }
            at &+= 1
        }
        return count & 1 == 1
    }
}
