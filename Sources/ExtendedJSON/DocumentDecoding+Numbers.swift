import BSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension DocumentDecoding {
    /// Reads a bare number and writes it.
    /// - Returns: its BSON type. Without a point or an exponent: Int32 if it fits, else Int64 if it fits, else double;
    ///   with one, double.
    @inline(__always) mutating func readNumber() throws(JSONFault) -> UInt8 {
        let start = at
        let negative = at < end && at[0] == 0x2D
        if negative { at += 1 }
        let firstDigit = at
        var magnitude: UInt64 = 0
        while at < end, at[0] >= 0x30, at[0] <= 0x39 {
            magnitude = magnitude &* 10 &+ UInt64(at[0] & 15)
            at += 1
        }
        let digits = at - firstDigit
        guard digits > 0 else {
            at = start
            throw fault("a value expected")
        }
        if digits > 1, firstDigit[0] == 0x30 {
            at = start
            throw fault("a number with a leading zero")
        }
        if at < end, at[0] == 0x2E || at[0] | 0x20 == 0x65 {
            return try readFraction(start: start, magnitude: magnitude, digits: digits, negative: negative)
        }
        if digits <= 18 {
            let number = negative ? -Int64(magnitude) : Int64(magnitude)
            if let small = Int32(exactly: number) {
                out.put(littleEndian: small)
                return ElementType.int32.rawValue
            }
            out.put(littleEndian: number)
            return ElementType.int64.rawValue
        }
        if let number = Int64(String(decoding: UnsafeBufferPointer(start: start, count: at - start), as: UTF8.self)) {
            out.put(littleEndian: number)
            return ElementType.int64.rawValue
        }
        out.put(littleEndian: try slowDouble(start).bitPattern)
        return ElementType.double.rawValue
    }

    private mutating func readFraction(
        start: UnsafePointer<UInt8>, magnitude: UInt64, digits: Int, negative: Bool
    ) throws(JSONFault) -> UInt8 {
        var mantissa = magnitude
        var significant = digits
        var exponent = 0
        if at[0] == 0x2E {
            at += 1
            let first = at
            while at < end, at[0] >= 0x30, at[0] <= 0x39 {
                mantissa = mantissa &* 10 &+ UInt64(at[0] & 15)
                at += 1
            }
            guard at > first else { throw fault("a digit expected after the point") }
            significant += at - first
            exponent = first - at
        }
        if at < end, at[0] | 0x20 == 0x65 {
            at += 1
            var negativeExponent = false
            if at < end, at[0] == 0x2B || at[0] == 0x2D {
                negativeExponent = at[0] == 0x2D
                at += 1
            }
            let first = at
            var power = 0
            while at < end, at[0] >= 0x30, at[0] <= 0x39 {
                power = min(power * 10 + Int(at[0] & 15), 1_000_000)
                at += 1
            }
            guard at > first else { throw fault("a digit expected in the exponent") }
            exponent += negativeExponent ? -power : power
        }
        // Clinger's fast path: both numbers are exact as doubles, so the single operation rounds only once.
        if significant <= 18, mantissa <= 1 << 53, abs(exponent) <= 22 {
            var number = Double(mantissa)
            if exponent < 0 { number /= Self.powerOfTen(-exponent) } else { number *= Self.powerOfTen(exponent) }
            out.put(littleEndian: (negative ? -number : number).bitPattern)
        } else {
            out.put(littleEndian: try slowDouble(start).bitPattern)
        }
        return ElementType.double.rawValue
    }

    private static func powerOfTen(_ exponent: Int) -> Double {
        var result = 1.0
        var left = exponent
        // Exact up to 10^22.
        while left > 0 {
            result *= 10
            left -= 1
        }
        return result
    }

    /// The double for the text from `start` to the current position, rounded correctly by the C library.
    private func slowDouble(_ start: UnsafePointer<UInt8>) throws(JSONFault) -> Double {
        try double(UnsafeRawBufferPointer(start: start, count: at - start), else: "a number too long")
    }

    /// - Throws: ``JSONFault`` with this reason if the text is not a number; with one of its own if the number exceeds
    ///   the range of doubles.
    func double(_ text: UnsafeRawBufferPointer, else reason: String) throws(JSONFault) -> Double {
        guard text.count < 4096 else { throw fault(reason) }
        let parsed: Double? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
            for index in 0..<text.count { copy[index] = CChar(bitPattern: text[index]) }
            copy[text.count] = 0
            guard let base = copy.baseAddress else { return nil }
            // In a program that has set its locale, the decimal separator may be a comma.
            let programs = uselocale(CLocale.numbers)
            defer { uselocale(programs) }
            var stop: UnsafeMutablePointer<CChar>?
            let number = strtod(base, &stop)
            return stop == base + text.count ? number : nil
        }
        guard let parsed else { throw fault(reason) }
        guard parsed.isFinite else { throw fault("a number beyond what a double holds") }
        return parsed
    }
}

private enum CLocale {
    // Created once and never changed or freed. Nil if memory is short: then the program's own locale stays in force.
    nonisolated(unsafe) static let numbers: locale_t? = newlocale(mask, "C", nil)

    #if canImport(Darwin)
        private static let mask: Int32 = LC_NUMERIC_MASK
    #else
        private static let mask: Int32 = 1 << LC_NUMERIC
    #endif
}
