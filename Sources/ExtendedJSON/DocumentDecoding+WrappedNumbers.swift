import BSON

/// Wrapped numbers, which keep their type, and timestamps, which consist of two numbers.
extension DocumentDecoding {
    mutating func readNumberDecimal() throws(JSONFault) -> UInt8 {
        // `JSON.stringify` writes a Decimal128 like this, too, so it does not indicate Extended JSON.
        let start = try openText("$numberDecimal")
        guard let number = Decimal128(written(from: start)) else {
            throw fault("$numberDecimal is not a decimal of at most 34 digits")
        }
        out.move(to: start)
        out.put(littleEndian: number.low)
        out.put(littleEndian: number.high)
        try expect(0x7D, "'}'")
        return ElementType.decimal128.rawValue
    }

    mutating func readNumberInt() throws(JSONFault) -> UInt8 {
        let number = try readWholeNumber("$numberInt")
        guard let small = Int32(exactly: number) else { throw fault("$numberInt is out of range") }
        out.put(littleEndian: small)
        try closeWrapper()
        return ElementType.int32.rawValue
    }

    mutating func readNumberLong() throws(JSONFault) -> UInt8 {
        let number = try readWholeNumber("$numberLong")
        out.put(littleEndian: number)
        try closeWrapper()
        return ElementType.int64.rawValue
    }

    /// Reads `"123"`, with an optional minus: the value of `$numberInt` and `$numberLong`.
    mutating func readWholeNumber(_ name: StaticString) throws(JSONFault) -> Int64 {
        let start = try openText(name)
        let text = written(from: start)
        guard text.count <= 20, let number = Self.wholeNumber(text) else {
            throw fault("\(name) must be a whole number in quotes")
        }
        out.move(to: start)
        return number
    }

    /// The number that decimal digits with an optional minus denote; nil for anything else, and outside of Int64's
    /// range.
    private static func wholeNumber(_ text: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = text.first == 0x2D
        let digits = text.dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        var magnitude: UInt64 = 0
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (shifted, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(UInt64(byte & 15))
            guard !overflow, !carry else { return nil }
            magnitude = sum
        }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    mutating func readNumberDouble() throws(JSONFault) -> UInt8 {
        let start = try openText("$numberDouble")
        let text = written(from: start)
        let number: Double
        switch String(decoding: text, as: UTF8.self) {
        case "NaN": number = Double(bitPattern: 0x7FF8_0000_0000_0000)
        case "Infinity": number = .infinity
        case "-Infinity": number = -.infinity
        default:
            guard text.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || "+-.eE".utf8.contains($0) }), text.count > 0 else {
                throw fault("$numberDouble is not a number")
            }
            number = try double(text, else: "$numberDouble is not a number")
        }
        out.move(to: start)
        out.put(littleEndian: number.bitPattern)
        try closeWrapper()
        return ElementType.double.rawValue
    }

    mutating func readTimestamp() throws(JSONFault) -> UInt8 {
        try takeName("$timestamp")
        if isAtQuote {
            // What `JSON.stringify` writes: the 64 bits as one decimal number. Does not indicate Extended JSON.
            let start = out.position
            try readString(isName: false)
            out.reserve(64)
            guard let bits = UInt64(String(decoding: written(from: start), as: UTF8.self)) else {
                throw timestampFault
            }
            out.move(to: start)
            out.put(littleEndian: bits)
            try expect(0x7D, "'}'")
            return ElementType.timestamp.rawValue
        }
        try expect(0x7B, "'{'")
        var parts: (t: UInt32?, i: UInt32?) = (nil, nil)
        for index in 0..<2 {
            if index == 1 { try expect(0x2C, "','") }
            skipSpace()
            guard isAtQuote else { throw timestampFault }
            if matches("t"), parts.t == nil {
                try takeName("t")
                parts.t = try readUInt32()
            } else if matches("i"), parts.i == nil {
                try takeName("i")
                parts.i = try readUInt32()
            } else {
                throw timestampFault
            }
        }
        try expect(0x7D, "'}'")
        guard let seconds = parts.t, let increment = parts.i else { throw timestampFault }
        out.put(littleEndian: Timestamp(seconds: seconds, increment: increment).rawValue)
        try closeWrapper()
        return ElementType.timestamp.rawValue
    }

    private mutating func readUInt32() throws(JSONFault) -> UInt32 {
        let start = out.position
        let type = try readNumber()
        let bytes = UnsafeRawPointer(out.pointer(at: start))
        out.move(to: start)
        switch type {
        case ElementType.int32.rawValue:
            let number = Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))
            guard number >= 0 else { throw fault("a number of 32 bits without sign expected") }
            return UInt32(number)
        case ElementType.int64.rawValue:
            guard let number = UInt32(exactly: Int64(littleEndian: bytes.loadUnaligned(as: Int64.self))) else {
                throw fault("a number of 32 bits without sign expected")
            }
            return number
        default: throw fault("a number of 32 bits without sign expected")
        }
    }

    private var timestampFault: JSONFault { fault("$timestamp must hold t and i") }
}
