import BSON

extension DocumentDecoding {
    /// Reads a type wrapper. Its '{' has been consumed, and its first name, which starts with '$' or an escape, comes
    /// next.
    /// - Returns: the BSON type; nil, with nothing consumed, if the name is an ordinary one.
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
        if matches("$numberDecimal") { return try readNumberDecimal() }
        if matches("$numberInt") { return try readNumberInt() }
        if matches("$numberLong") { return try readNumberLong() }
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
        if matches("$undefined") { return try readMarker("$undefined", "true", .undefined) }
        if matches("$minKey") { return try readMarker("$minKey", "1", .minKey) }
        if matches("$maxKey") { return try readMarker("$maxKey", "1", .maxKey) }
        if matches("$dbPointer") { return try readDBPointer() }
        if matches("$type") { return try readLegacyBinary() }
        if readsLegacyRegularExpressions, matches("$regex") || matches("$options") {
            return readLegacyRegularExpression()
        }
        return nil
    }

    // MARK: Parts

    /// Consumes a name that ``matches(_:)`` has found, and its colon.
    @inline(__always) mutating func takeName(_ name: StaticString) throws(JSONFault) {
        let width = Self.quoteWidth
        at += name.utf8CodeUnitCount + width
        // A name with escapes is longer.
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

    /// Reads a wrapper whose value is always the same literal.
    private mutating func readMarker(
        _ name: StaticString, _ literal: StaticString, _ type: ElementType
    ) throws(JSONFault) -> UInt8 {
        try takeName(name)
        try take(literal, else: "\(name) must be \(literal)")
        try closeWrapper()
        return type.rawValue
    }

    /// Consumes the name and decodes the string that follows it to the end of the output, where the caller examines and
    /// drops it.
    /// - Returns: the position at which it starts.
    mutating func openText(_ name: StaticString) throws(JSONFault) -> Int {
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

    /// Reads an ObjectId whose digits are escaped, which no writer does but every writer may.
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

    /// Reads `"2026-…Z"`, `{"$numberLong":"…"}` or version 1's bare number.
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
}
