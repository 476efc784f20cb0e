import BSON

/// RFC 4180 fields.
public enum CSVField {
    /// A field as it stands in a row: quoted where it has to be. One that starts with `#` is, too, so that no row can
    /// be taken for a metadata line.
    public static func text(_ value: String) -> String {
        let bytes = value.utf8
        let needsQuotes =
            bytes.isEmpty || bytes.first == 0x23 || bytes.first == 0x20 || bytes.last == 0x20
            || bytes.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else { return value }
        return "\"" + value.replacingScalar("\"", with: "\"\"") + "\""
    }

    /// What stands between the quotes of a field, each two of them one again.
    public static func undoubled(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var isSecond = false
        for scalar in text.unicodeScalars {
            isSecond = scalar == "\"" && !isSecond && result.last == "\""
            if !isSecond { result.append(scalar) }
        }
        return String(result)
    }

    /// Whether the number of quotes is odd: eight bytes at a time, since every byte of a file comes by here twice.
    ///
    /// Each quote sets the top bit of its byte in a word; what is asked for is only whether their number is odd, so
    /// the words need not be counted one by one.
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
