import BSON

extension DocumentDecoding {
    /// Reads a type wrapper whose '{' is taken and whose first name, which starts with '$', comes next.
    /// - Returns: the BSON type; nil, with nothing taken, where the name is an ordinary one.
    @inline(__always) mutating func readWrapper() throws(JSONFault) -> UInt8? {
        if matches("$oid") {
            try takeName("$oid")
            try readObjectIDText()
            try closeWrapper()
            return ElementType.objectID.rawValue
        }
        if matches("$date") {
            try takeName("$date")
            try readDate()
            try closeWrapper()
            return ElementType.date.rawValue
        }
        return try readOtherWrapper()
    }

    @inline(never) private mutating func readOtherWrapper() throws(JSONFault) -> UInt8? {
        if matches("$numberDecimal") {
            // Also what `JSON.stringify` of a Decimal128 gives, so it is no sign of Extended JSON.
            let start = try openText("$numberDecimal")
            guard
                let number = Decimal128(
                    UnsafeRawBufferPointer(start: out.pointer(at: start), count: out.position - start))
            else { throw fault("$numberDecimal is not a decimal of at most 34 digits") }
            out.move(to: start)
            out.put(littleEndian: number.low)
            out.put(littleEndian: number.high)
            try expect(0x7D, "'}'")
            return ElementType.decimal128.rawValue
        }
        if matches("$numberInt") {
            let number = try readWholeNumber("$numberInt")
            guard let small = Int32(exactly: number) else { throw fault("$numberInt is out of range") }
            out.put(littleEndian: small)
            try closeWrapper()
            return ElementType.int32.rawValue
        }
        if matches("$numberLong") {
            let number = try readWholeNumber("$numberLong")
            out.put(littleEndian: number)
            try closeWrapper()
            return ElementType.int64.rawValue
        }
        if matches("$numberDouble") { return try readNumberDouble() }
        if matches("$binary") { return try readBinary() }
        if matches("$uuid") { return try readUUID() }
        if matches("$timestamp") { return try readTimestamp() }
        if matches("$regularExpression") { return try readRegularExpression() }
        if matches("$code") { return try readCode() }
        if matches("$scope") { return try readScope() }
        if matches("$symbol") {
            try takeName("$symbol")
            try requireString("$symbol")
            try readStringValue()
            try closeWrapper()
            return ElementType.symbol.rawValue
        }
        if matches("$undefined") {
            try takeName("$undefined")
            try takeLiteral("true", "$undefined")
            try closeWrapper()
            return ElementType.undefined.rawValue
        }
        if matches("$minKey") {
            try takeName("$minKey")
            try takeLiteral("1", "$minKey")
            try closeWrapper()
            return ElementType.minKey.rawValue
        }
        if matches("$maxKey") {
            try takeName("$maxKey")
            try takeLiteral("1", "$maxKey")
            try closeWrapper()
            return ElementType.maxKey.rawValue
        }
        if matches("$dbPointer") { return try readDBPointer() }
        if matches("$type") { return try readLegacyBinary() }
        if readsExpressions, matches("$regex") || matches("$options") { return readLegacyExpression() }
        return nil
    }

    // MARK: Parts

    /// Takes a name that ``matches(_:)`` saw, and its colon.
    @inline(__always) mutating func takeName(_ name: StaticString) throws(JSONFault) {
        let width = Self.quoteWidth
        at += name.utf8CodeUnitCount + width
        // With escapes it is longer.
        while at[0] != 0x22 { at += 1 }
        at += width
        try expect(0x3A, "':'")
        skipSpace()
        out.reserve(64)
    }

    @inline(__always) mutating func closeWrapper() throws(JSONFault) {
        traits.insert(.wrapper)
        try expect(0x7D, "'}'")
    }

    func requireString(_ name: StaticString) throws(JSONFault) {
        guard isAtQuote else { throw fault("\(name) must be a string") }
    }

    private mutating func takeLiteral(_ literal: StaticString, _ name: StaticString) throws(JSONFault) {
        guard end - at >= literal.utf8CodeUnitCount else { throw fault("\(name) must be \(literal)") }
        for index in 0..<literal.utf8CodeUnitCount where at[index] != literal.utf8Start[index] {
            throw fault("\(name) must be \(literal)")
        }
        at += literal.utf8CodeUnitCount
    }

    /// Takes the name and reads the string that follows it into the output, where it is looked at and dropped.
    /// - Returns: where it starts there.
    private mutating func openText(_ name: StaticString) throws(JSONFault) -> Int {
        try takeName(name)
        try requireString(name)
        let start = out.position
        try readString(isName: false)
        out.reserve(64)
        return start
    }

    func written(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: out.pointer(at: start), count: out.position - start)
    }

    @inline(__always) mutating func readObjectIDText() throws(JSONFault) {
        let width = Self.quoteWidth
        guard isAtQuote, end - at >= 24 + 2 * width else { throw fault("$oid must be 24 hexadecimal digits") }
        let digits = UnsafeRawPointer(at + width)
        let start = out.position
        for part in 0..<3 {
            let text = UInt64(bigEndian: digits.loadUnaligned(fromByteOffset: part * 8, as: UInt64.self))
            guard let number = Hexadecimal.number(text) else { return try readEscapedObjectIDText(to: start) }
            out.put(littleEndian: number.bigEndian)
        }
        at += 24 + width
        guard isAtQuote else { throw fault("$oid must be 24 hexadecimal digits") }
        at += width
    }

    /// The same for digits that are written as escapes, which nobody does and everybody may.
    @inline(never) private mutating func readEscapedObjectIDText(to start: Int) throws(JSONFault) {
        let place = at
        out.move(to: start)
        try readString(isName: false)
        guard let id = ObjectID(hex: written(from: start)) else {
            at = place
            throw fault("$oid must be 24 hexadecimal digits")
        }
        out.move(to: start)
        out.reserve(64)
        out.put(littleEndian: id.high.bigEndian)
        out.put(littleEndian: id.low.bigEndian)
    }

    /// Reads `"2026-…Z"`, `{"$numberLong":"…"}` or, as version 1 has it, a bare number.
    @inline(__always) private mutating func readDate() throws(JSONFault) {
        if isAtQuote {
            let start = out.position
            try readString(isName: false)
            out.reserve(64)
            guard let date = ISODate.parse(written(from: start)) else {
                throw fault("$date is not a date like 2026-11-23T20:04:45.123Z")
            }
            out.move(to: start)
            out.put(littleEndian: date)
        } else if at < end, at[0] == 0x7B {
            at += 1
            skipSpace()
            guard isAtQuote, matches("$numberLong") else { throw fault("$date must hold $numberLong or a string") }
            out.put(littleEndian: try readWholeNumber("$numberLong"))
            try expect(0x7D, "'}'")
        } else {
            let start = out.position
            let type = try readNumber()
            let bytes = UnsafeRawPointer(out.pointer(at: start))
            let date: Int64
            switch type {
            case ElementType.int32.rawValue: date = Int64(Int32(littleEndian: bytes.loadUnaligned(as: Int32.self)))
            case ElementType.int64.rawValue: date = Int64(littleEndian: bytes.loadUnaligned(as: Int64.self))
            default: throw fault("$date must be a whole number of milliseconds")
            }
            out.move(to: start)
            out.put(littleEndian: date)
        }
    }

    /// Reads `"123"`, with sign; the value of $numberInt and $numberLong.
    private mutating func readWholeNumber(_ name: StaticString) throws(JSONFault) -> Int64 {
        let start = try openText(name)
        let text = written(from: start)
        guard text.count <= 20, let number = Self.wholeNumber(text) else {
            throw fault("\(name) must be a whole number in quotes")
        }
        out.move(to: start)
        return number
    }

    /// Decimal digits, behind a minus or not; nil for anything else, and outside of Int64's range.
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

    private mutating func readNumberDouble() throws(JSONFault) -> UInt8 {
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

    private mutating func readTimestamp() throws(JSONFault) -> UInt8 {
        try takeName("$timestamp")
        if isAtQuote {
            // What `JSON.stringify` gives: the 64 bits as one decimal number. No sign of Extended JSON.
            let start = out.position
            try readString(isName: false)
            out.reserve(64)
            guard let bits = UInt64(String(decoding: written(from: start), as: UTF8.self)) else {
                throw fault("$timestamp must hold t and i")
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
            guard isAtQuote else { throw fault("$timestamp must hold t and i") }
            if matches("t"), parts.t == nil {
                try takeName("t")
                parts.t = try readUInt32()
            } else if matches("i"), parts.i == nil {
                try takeName("i")
                parts.i = try readUInt32()
            } else {
                throw fault("$timestamp must hold t and i")
            }
        }
        try expect(0x7D, "'}'")
        guard let seconds = parts.t, let increment = parts.i else { throw fault("$timestamp must hold t and i") }
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

    private mutating func readDBPointer() throws(JSONFault) -> UInt8 {
        try takeName("$dbPointer")
        try expect(0x7B, "'{'")
        skipSpace()
        guard isAtQuote else { throw fault("$dbPointer must hold $ref and $id") }
        if matches("$ref") {
            try readPointerCollection()
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("$id") else { throw fault("$dbPointer must hold $ref and $id") }
            try readPointerID()
        } else {
            guard matches("$id") else { throw fault("$dbPointer must hold $ref and $id") }
            // BSON has it last.
            let start = out.position
            try readPointerID()
            let id = [UInt8](written(from: start))
            out.move(to: start)
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("$ref") else { throw fault("$dbPointer must hold $ref and $id") }
            try readPointerCollection()
            for byte in id { out.put(byte) }
        }
        try expect(0x7D, "'}'")
        try closeWrapper()
        return ElementType.dbPointer.rawValue
    }

    private mutating func readPointerCollection() throws(JSONFault) {
        try takeName("$ref")
        try requireString("$ref")
        try readStringValue()
        out.reserve(64)
    }

    private mutating func readPointerID() throws(JSONFault) {
        try takeName("$id")
        try expect(0x7B, "'{'")
        skipSpace()
        guard isAtQuote, matches("$oid") else { throw fault("$dbPointer's $id must be an $oid") }
        try takeName("$oid")
        try readObjectIDText()
        try expect(0x7D, "'}'")
    }

    private mutating func readCode() throws(JSONFault) -> UInt8 {
        // Whether a scope follows is known only after the code, so its length goes in front of it afterwards.
        let start = out.position
        out.next += 4
        try takeName("$code")
        try requireString("$code")
        try readStringValue()
        skipSpace()
        if at < end, at[0] == 0x2C {
            at += 1
            skipSpace()
            guard isAtQuote, matches("$scope") else { throw fault("$scope expected beside $code") }
            try takeName("$scope")
            try expect(0x7B, "'{'")
            try readMembers()
            patchLength(at: start, Int32(truncatingIfNeeded: out.position - start))
            try closeWrapper()
            return ElementType.codeWithScope.rawValue
        }
        let length = out.position - start - 4
        out.pointer(at: start).update(from: out.pointer(at: start + 4), count: length)
        out.move(to: start + length)
        try closeWrapper()
        return ElementType.code.rawValue
    }

    /// Reads `{"$scope":{…},"$code":"…"}`, code with scope in the other order, or an ordinary document that begins with
    /// that name.
    ///
    /// It is written as the document until `$code` follows: reading a scope twice, each in the other, would take the
    /// square of the time at every level.
    private mutating func readScope() throws(JSONFault) -> UInt8 {
        guard depth < BSONValidator.maximumDepth else { throw fault("nested deeper than 500 levels") }
        depth += 1
        let start = out.position
        out.next += 5
        out.put("$scope")
        out.put(0)
        let scope = out.position
        try takeName("$scope")
        let type = try readValue()
        out.reserve(64)
        out.pointer(at: start + 4).pointee = type
        skipSpace()
        guard at < end else { throw fault("'}' expected") }
        if at[0] == 0x2C {
            at += 1
            skipSpace()
            if isAtQuote, matches("$code") {
                guard type == ElementType.document.rawValue else { throw fault("$scope must be a document") }
                let bytes = [UInt8](written(from: scope))
                out.move(to: start + 4)
                try takeName("$code")
                try requireString("$code")
                try readStringValue()
                out.reserve(bytes.count + 64)
                bytes.withUnsafeBytes { if let base = $0.baseAddress { out.put(copying: base, count: $0.count) } }
                patchLength(at: start, Int32(truncatingIfNeeded: out.position - start))
                depth -= 1
                try closeWrapper()
                return ElementType.codeWithScope.rawValue
            }
            try readRestOfMembers()
        } else {
            try expect(0x7D, "',' or '}'")
        }
        try closeDocument(start)
        return ElementType.document.rawValue
    }
}
