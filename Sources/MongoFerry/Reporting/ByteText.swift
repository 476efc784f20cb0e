import Relations

/// Formats sizes for people.
package enum ByteText {
    package static func text(_ bytes: Int) -> String {
        var size = Double(bytes)
        var unit = 0
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        // 999.95 kB would be rounded to 1000.0.
        while size >= (unit == 0 ? 1000 : 999.95), unit < units.count - 1 {
            size /= 1000
            unit += 1
        }
        if unit == 0 { return bytes.counted("byte") }
        let tenths = Int((size * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
