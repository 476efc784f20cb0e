import BSON

/// RFC 4180 fields.
enum CSVField {
    /// A field as it stands in a row: quoted where it has to be. One that starts with `#` is, too, so that no row can
    /// be taken for a metadata line.
    static func text(_ value: String) -> String {
        let needsQuotes =
            value.isEmpty || value.hasPrefix("#") || value.first == " " || value.last == " "
            || value.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else { return value }
        return "\"" + value.replacing("\"", with: "\"\"") + "\""
    }

    /// How many quotes there are: eight bytes at a time, as the compiler makes of it.
    @inline(__always) static func quoteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in bytes { count &+= byte == 0x22 ? 1 : 0 }
        return count
    }
}
