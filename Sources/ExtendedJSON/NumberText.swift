import BSON

extension ByteWriter {
    /// Writes a whole number. The caller has reserved 24 bytes.
    @inline(__always) mutating func putDecimal(_ number: Int) {
        var rest = number.magnitude
        if number < 0 { put(0x2D) }
        if rest < 10 {
            put(0x30 &+ UInt8(truncatingIfNeeded: rest))
            return
        }
        let length = Self.digitCount(rest)
        var at = next + length
        next = at
        while rest >= 10 {
            let quotient = rest / 10
            at -= 1
            at.pointee = 0x30 &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10)
            rest = quotient
        }
        (at - 1).pointee = 0x30 &+ UInt8(truncatingIfNeeded: rest)
    }

    @inline(__always) private static func digitCount(_ number: UInt) -> Int {
        var count = 1
        var limit: UInt = 10
        while number >= limit {
            count += 1
            let (next, overflow) = limit.multipliedReportingOverflow(by: 10)
            if overflow { break }
            limit = next
        }
        return count
    }

    /// Writes the shortest text that is read back as the same finite double, always with a point or an exponent. The
    /// caller has reserved 32 bytes.
    mutating func putShortest(_ number: Double) {
        let magnitude = number.magnitude
        if magnitude < 1e9 {
            // Money, percentages, counts: with up to 4 decimals and 15 digits, division by a power of ten is rounded
            // correctly, so equality proves that the text is exact. Few decimals are tried first, so it is also the
            // shortest.
            var scale = 1.0
            for decimals in 0...4 {
                let scaled = (magnitude * scale).rounded()
                if scaled / scale == magnitude {
                    if number.sign == .minus { put(0x2D) }
                    putFixed(Int(scaled), decimals: decimals)
                    return
                }
                scale *= 10
            }
        }
        var text = number.description
        text.withUTF8 { digits in
            guard let base = digits.baseAddress else { return }
            put(copying: base, count: digits.count)
        }
    }

    private mutating func putFixed(_ scaled: Int, decimals: Int) {
        if decimals == 0 {
            putDecimal(scaled)
            put(0x2E)
            put(0x30)
            return
        }
        var power = 10
        for _ in 1..<decimals { power *= 10 }
        putDecimal(scaled / power)
        put(0x2E)
        var rest = scaled % power
        for index in stride(from: decimals - 1, through: 0, by: -1) {
            next[index] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        next += decimals
    }
}
