import BSON

extension DocumentEncoding {
    /// Writes the value at `at` and moves past it. The caller has left room for at least 24 bytes.
    @inline(__always)
    mutating func writeValue(
        _ type: UInt8, _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> Bool {
        switch type {
        case ElementType.string.rawValue:
            guard let text = takeString(&at, end: end) else { return false }
            return writeText(text.start, count: text.count)
        case ElementType.int32.rawValue:
            guard end - at >= 4 else { return false }
            writeInt32(int32(at))
            at += 4
            return true
        case ElementType.objectID.rawValue:
            guard end - at >= 12 else { return false }
            writeObjectID(at)
            at += 12
            return true
        case ElementType.double.rawValue:
            guard end - at >= 8 else { return false }
            let bits = word(at)
            at += 8
            return writeDouble(Double(bitPattern: bits))
        case ElementType.date.rawValue:
            guard end - at >= 8 else { return false }
            writeDate(Int64(bitPattern: word(at)))
            at += 8
            return true
        case ElementType.document.rawValue, ElementType.array.rawValue:
            guard end - at >= 5 else { return false }
            let count = int32(at)
            guard count >= 5, count <= end - at else { return false }
            let start = at
            at += count
            return type == ElementType.array.rawValue
                ? writeArray(start, count: count) : writeDocument(start, count: count)
        case ElementType.bool.rawValue:
            guard end - at >= 1, at[0] < 2 else { return false }
            if at[0] == 1 { out.put("true") } else { out.put("false") }
            at += 1
            return true
        case ElementType.null.rawValue:
            out.put("null")
            return true
        case ElementType.int64.rawValue:
            guard end - at >= 8 else { return false }
            writeInt64(Int64(bitPattern: word(at)))
            at += 8
            return true
        default:
            return writeRareValue(type, &at, end: end)
        }
    }

    @inline(__always) private mutating func writeInt32(_ number: Int) {
        out.reserve(64)
        if mode == .canonical { writeNumberInt(number) } else { out.putDecimal(number) }
    }

    @inline(__always) private mutating func writeInt64(_ number: Int64) {
        out.reserve(64)
        let isBare: Bool =
            switch mode {
            case .canonical: false
            case .relaxed: true
            // Within the Int32 range a bare number would be read as Int32; beyond 2^53 some readers round it.
            case .compact: Int64(Int32(truncatingIfNeeded: number)) != number && isExactInDoubles(number)
            }
        if isBare {
            out.putDecimal(Int(number))
        } else {
            writeNumberLong(number)
        }
    }

    private func isExactInDoubles(_ number: Int64) -> Bool { number >= -(1 << 53) && number <= 1 << 53 }

    private mutating func writeNumberInt(_ number: Int) {
        putTemplate(plain: "{\"$numberInt\":\"", doubled: "{\"\"$numberInt\"\":\"\"")
        out.putDecimal(number)
        putTemplate(plain: "\"}", doubled: "\"\"}")
    }

    private mutating func writeNumberLong(_ number: Int64) {
        putTemplate(plain: "{\"$numberLong\":\"", doubled: "{\"\"$numberLong\"\":\"\"")
        out.putDecimal(Int(number))
        putTemplate(plain: "\"}", doubled: "\"\"}")
    }

    @inline(__always) private mutating func writeObjectID(_ at: UnsafePointer<UInt8>) {
        out.reserve(64)
        putTemplate(plain: "{\"$oid\":\"", doubled: "{\"\"$oid\"\":\"\"")
        let bytes = UnsafeRawPointer(at)
        for offset in 0..<3 {
            let part = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset * 4, as: UInt32.self))
            UnsafeMutableRawPointer(out.next).storeBytes(of: Hexadecimal.digits(part).bigEndian, as: UInt64.self)
            out.next += 8
        }
        putTemplate(plain: "\"}", doubled: "\"\"}")
    }

    private mutating func writeDouble(_ number: Double) -> Bool {
        out.reserve(96)
        guard number.isFinite else {
            let text: StaticString
            if number.isNaN {
                // Only this NaN has a text form; the sign and payload of any other would be lost.
                guard number.bitPattern == 0x7FF8_0000_0000_0000 else { return false }
                text = "NaN"
            } else {
                text = number < 0 ? "-Infinity" : "Infinity"
            }
            writeNumberDouble { $0.put(text) }
            return true
        }
        if mode == .canonical { writeNumberDouble { $0.putShortest(number) } } else { out.putShortest(number) }
        return true
    }

    @inline(__always) private mutating func writeNumberDouble(_ write: (inout ByteWriter) -> Void) {
        putTemplate(plain: "{\"$numberDouble\":\"", doubled: "{\"\"$numberDouble\"\":\"\"")
        write(&out)
        putTemplate(plain: "\"}", doubled: "\"\"}")
    }

    /// Writes a number in canonical form, whatever the mode.
    @inline(never)
    mutating func writeWrappedNumber(
        _ type: ElementType, _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> Bool {
        out.reserve(96)
        let size = type == .int32 ? 4 : 8
        guard end - at >= size else { return false }
        defer { at += size }
        switch type {
        case .int32: writeNumberInt(int32(at))
        case .int64: writeNumberLong(Int64(bitPattern: word(at)))
        case .double:
            let number = Double(bitPattern: word(at))
            guard number.isFinite else { return writeDouble(number) }
            writeNumberDouble { $0.putShortest(number) }
        default: return false
        }
        return true
    }

    @inline(__always) private mutating func writeDate(_ milliseconds: Int64) {
        out.reserve(96)
        putTemplate(plain: "{\"$date\":", doubled: "{\"\"$date\"\":")
        if mode != .canonical, ISODate.range.contains(milliseconds) {
            out.putQuote(Style.self)
            out.putDate(milliseconds)
            out.putQuote(Style.self)
        } else {
            writeNumberLong(milliseconds)
        }
        out.put(0x7D)
    }

    // MARK: The rare types

    @inline(never)
    private mutating func writeRareValue(
        _ type: UInt8, _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> Bool {
        guard let type = ElementType(rawValue: type) else { return false }
        out.reserve(128)
        switch type {
        case .binary: return writeBinary(&at, end: end)
        case .decimal128: return writeDecimal(&at, end: end)
        case .timestamp: return writeTimestamp(&at, end: end)
        case .regularExpression: return writeRegularExpression(&at, end: end)
        case .code, .symbol:
            if type == .code {
                putTemplate(plain: "{\"$code\":", doubled: "{\"\"$code\"\":")
            } else {
                putTemplate(plain: "{\"$symbol\":", doubled: "{\"\"$symbol\"\":")
            }
            let text = type == .code ? takeStringWithoutZero(&at, end: end) : takeString(&at, end: end)
            guard let text, writeText(text.start, count: text.count) else { return false }
        case .codeWithScope: return writeCodeWithScope(&at, end: end)
        case .dbPointer: return writeDBPointer(&at, end: end)
        case .undefined: putTemplate(plain: "{\"$undefined\":true", doubled: "{\"\"$undefined\"\":true")
        case .minKey: putTemplate(plain: "{\"$minKey\":1", doubled: "{\"\"$minKey\"\":1")
        case .maxKey: putTemplate(plain: "{\"$maxKey\":1", doubled: "{\"\"$maxKey\"\":1")
        case .double, .string, .document, .array, .objectID, .bool, .date, .null, .int32, .int64: return false
        }
        out.reserve(16)
        out.put(0x7D)
        return true
    }

    private mutating func writeBinary(_ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        guard end - at >= 5 else { return false }
        var count = int32(at)
        let subtype = at[4]
        at += 5
        guard count >= 0, count <= end - at else { return false }
        var payload = at
        at += count
        if subtype == 2 {
            // The old binary form contains its length twice; the text has the inner content, as the specification
            // requires.
            guard count >= 4, int32(payload) == count - 4 else { return false }
            payload += 4
            count -= 4
        }
        out.reserve(Base64.encodedCount(count) + 96)
        putTemplate(plain: "{\"$binary\":{\"base64\":\"", doubled: "{\"\"$binary\"\":{\"\"base64\"\":\"\"")
        Base64.encode(UnsafeRawBufferPointer(start: payload, count: count), into: &out)
        putTemplate(plain: "\",\"subType\":\"", doubled: "\"\",\"\"subType\"\":\"\"")
        let digits: StaticString = "0123456789abcdef"
        out.put(digits.utf8Start[Int(subtype >> 4)])
        out.put(digits.utf8Start[Int(subtype & 15)])
        putTemplate(plain: "\"}}", doubled: "\"\"}}")
        return true
    }

    private mutating func writeDecimal(_ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        guard end - at >= 16 else { return false }
        let number = Decimal128(low: word(at), high: word(at + 8))
        at += 16
        guard number.isCanonical else { return false }
        putTemplate(plain: "{\"$numberDecimal\":\"", doubled: "{\"\"$numberDecimal\"\":\"\"")
        out.next += number.write(to: out.next)
        putTemplate(plain: "\"}", doubled: "\"\"}")
        return true
    }

    private mutating func writeTimestamp(_ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        guard end - at >= 8 else { return false }
        let timestamp = Timestamp(rawValue: word(at))
        at += 8
        putTemplate(plain: "{\"$timestamp\":{\"t\":", doubled: "{\"\"$timestamp\"\":{\"\"t\"\":")
        out.putDecimal(Int(timestamp.seconds))
        putTemplate(plain: ",\"i\":", doubled: ",\"\"i\"\":")
        out.putDecimal(Int(timestamp.increment))
        out.put("}}")
        return true
    }

    private mutating func writeRegularExpression(
        _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> Bool {
        guard let pattern = takeCString(&at, end: end), let options = takeCString(&at, end: end) else { return false }
        // Readers sort the options, as the specification requires, and drop letters without a meaning, so options that
        // this would change cannot be carried.
        for index in 0..<options.count {
            guard Self.isOption(options.start[index]) else { return false }
            if index > 0, options.start[index] <= options.start[index - 1] { return false }
        }
        putTemplate(
            plain: "{\"$regularExpression\":{\"pattern\":", doubled: "{\"\"$regularExpression\"\":{\"\"pattern\"\":")
        guard writeText(pattern.start, count: pattern.count) else { return false }
        out.reserve(64)
        putTemplate(plain: ",\"options\":", doubled: ",\"\"options\"\":")
        guard writeText(options.start, count: options.count) else { return false }
        out.reserve(16)
        out.put("}}")
        return true
    }

    /// `i`, `l`, `m`, `s`, `u` and `x` (the BSON specification, "regular expression").
    private static func isOption(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x69, 0x6C, 0x6D, 0x73, 0x75, 0x78: true
        default: false
        }
    }

    private mutating func writeCodeWithScope(_ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        guard end - at >= 14 else { return false }
        let total = int32(at)
        guard total >= 14, total <= end - at else { return false }
        let inside = at + total
        at += 4
        putTemplate(plain: "{\"$code\":", doubled: "{\"\"$code\"\":")
        guard let code = takeStringWithoutZero(&at, end: inside), writeText(code.start, count: code.count) else {
            return false
        }
        out.reserve(64)
        putTemplate(plain: ",\"$scope\":", doubled: ",\"\"$scope\"\":")
        guard inside - at >= 5, writeDocument(at, count: inside - at) else { return false }
        at = inside
        out.put(0x7D)
        return true
    }

    private mutating func writeDBPointer(_ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        putTemplate(plain: "{\"$dbPointer\":{\"$ref\":", doubled: "{\"\"$dbPointer\"\":{\"\"$ref\"\":")
        guard let name = takeStringWithoutZero(&at, end: end), writeText(name.start, count: name.count) else {
            return false
        }
        guard end - at >= 12 else { return false }
        out.reserve(128)
        putTemplate(plain: ",\"$id\":", doubled: ",\"\"$id\"\":")
        writeObjectID(at)
        at += 12
        out.put("}}")
        return true
    }

    private func takeCString(
        _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> (start: UnsafePointer<UInt8>, count: Int)? {
        let start = at
        while at < end {
            if at[0] == 0 {
                at += 1
                return (start, at - start - 1)
            }
            at += 1
        }
        return nil
    }
}
