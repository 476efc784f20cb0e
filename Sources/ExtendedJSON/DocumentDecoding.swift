import BSON

/// Decodes one document: walks its text once and writes its BSON on the way.
///
/// Lengths and element types are not known yet where BSON has them, so they are filled in afterwards.
struct DocumentDecoding<Style: QuoteStyle>: ~Copyable {
    let text: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var at: UnsafePointer<UInt8>
    var out: ByteWriter
    var depth = 0
    var traits: ExtendedJSONDecoder.Traits = []
    let readsLegacyRegularExpressions: Bool
    /// The position in the buffer by which the document must end.
    private let largest: Int
    /// Whether a field `_id` of the document itself has been read.
    private var hasID = false

    /// - Parameters:
    ///   - readsLegacyRegularExpressions: whether version 1's `{"$regex":"…"}` is a regular expression, not a document.
    ///   - maximum: the size of the largest document to build, in bytes.
    init(text: UnsafePointer<UInt8>, count: Int, buffer: ByteBuffer, readsLegacyRegularExpressions: Bool, maximum: Int)
    {
        self.readsLegacyRegularExpressions = readsLegacyRegularExpressions
        largest = maximum < Int.max - buffer.count ? buffer.count + maximum : .max
        self.text = text
        at = text
        end = text + count
        out = buffer.makeWriter()
    }

    consuming func finish() { out.finish() }

    /// Quotes take one byte, or two inside a quoted CSV field.
    @inline(__always) static var quoteWidth: Int { Style.isDoubled ? 2 : 1 }

    func fault(_ reason: String) -> JSONFault { JSONFault(reason, at: at - text) }

    mutating func readTopLevel() throws(JSONFault) {
        skipSpace()
        guard at < end, at[0] == 0x7B else { throw fault("'{' expected") }
        at += 1
        let start = out.position
        skipSpace()
        if isAtQuote, matches("$rawBSON") {
            try readRawBSON(at: start)
        } else {
            try readMembers()
        }
        skipSpace()
        guard at == end else { throw fault("something follows the document's closing '}'") }
    }

    // MARK: Punctuation

    @inline(__always) mutating func skipSpace() {
        while at < end, at[0] <= 0x20, at[0] == 0x20 || at[0] == 0x09 || at[0] == 0x0A || at[0] == 0x0D { at += 1 }
    }

    @inline(__always) var isAtQuote: Bool {
        guard at < end, at[0] == 0x22 else { return false }
        if Style.isDoubled { return end - at >= 2 && at[1] == 0x22 }
        return true
    }

    @inline(__always) mutating func expect(_ byte: UInt8, _ name: StaticString) throws(JSONFault) {
        skipSpace()
        guard at < end, at[0] == byte else { throw fault("\(name) expected") }
        at += 1
    }

    /// Whether the string that begins with the quote at `at` is exactly `name`.
    @inline(__always) func matches(_ name: StaticString) -> Bool {
        let width = Self.quoteWidth
        let length = name.utf8CodeUnitCount
        guard end - at >= length + 2 * width else { return false }
        let start = at + width
        for index in 0..<length where start[index] != name.utf8Start[index] {
            return start[index] == 0x5C && matchesEscaped(name)
        }
        return start[length] == 0x22 && (!Style.isDoubled || start[length + 1] == 0x22)
    }

    /// Whether a string with escapes is `name`: `"\u0024oid"` is `$oid` to every reader of JSON. Only `\u` escapes need
    /// decoding: no other escape stands for a character of a wrapper's name.
    @inline(never) private func matchesEscaped(_ name: StaticString) -> Bool {
        var place = at + Self.quoteWidth
        for index in 0..<name.utf8CodeUnitCount {
            guard place < end else { return false }
            var byte = UInt32(place[0])
            if byte == 0x5C {
                guard end - place >= 6, place[1] == 0x75, let scalar = hexDigits(place + 2) else { return false }
                byte = scalar
                place += 5
            }
            guard byte == name.utf8Start[index] else { return false }
            place += 1
        }
        return end - place >= Self.quoteWidth && place[0] == 0x22 && (!Style.isDoubled || place[1] == 0x22)
    }

    // MARK: Documents and arrays

    /// Reads the members of an object, whose '{' has been consumed, and writes a document.
    mutating func readMembers() throws(JSONFault) {
        guard depth < BSONValidator.maximumDepth else { throw fault("nested deeper than 500 levels") }
        depth += 1
        let start = out.position
        out.reserve(64)
        out.next += 4
        skipSpace()
        if at < end, at[0] == 0x7D {
            at += 1
        } else {
            try readRestOfMembers()
        }
        try closeDocument(start)
    }

    /// Reads one member and all that follow it, including the closing '}'.
    @inline(__always) mutating func readRestOfMembers() throws(JSONFault) {
        while true {
            skipSpace()
            guard isAtQuote else { throw fault("'\"' expected") }
            out.reserve(64)
            let type = out.position
            out.next += 1
            try readString(isName: true)
            out.reserve(64)
            out.put(0)
            if depth == 1, out.position == type + 5 { noteID(at: type + 1) }
            try expect(0x3A, "':'")
            let valueType = try readValue()
            out.pointer(at: type).pointee = valueType
            try checkSize()
            skipSpace()
            guard at < end else { throw fault("'}' expected") }
            if at[0] == 0x2C {
                at += 1
                continue
            }
            guard at[0] == 0x7D else { throw fault("',' or '}' expected") }
            at += 1
            return
        }
    }

    /// Notes a field if it is named `_id`.
    /// - Parameter place: the position of a name of three bytes and its terminator.
    @inline(__always) private mutating func noteID(at place: Int) {
        let name = UnsafeRawPointer(out.pointer(at: place)).loadUnaligned(as: UInt32.self)
        guard UInt32(littleEndian: name) == Self.idName else { return }
        if hasID { traits.insert(.secondID) }
        hasID = true
    }

    /// `_id` and a zero byte.
    private static var idName: UInt32 { 0x0064_695F }

    mutating func readArray() throws(JSONFault) {
        guard depth < BSONValidator.maximumDepth else { throw fault("nested deeper than 500 levels") }
        depth += 1
        let start = out.position
        out.reserve(64)
        out.next += 4
        skipSpace()
        if at < end, at[0] == 0x5D {
            at += 1
        } else {
            var index = 0
            while true {
                out.reserve(64)
                let type = out.position
                out.next += 1
                out.putDecimal(index)
                out.put(0)
                index += 1
                let valueType = try readValue()
                out.pointer(at: type).pointee = valueType
                try checkSize()
                skipSpace()
                guard at < end else { throw fault("']' expected") }
                if at[0] == 0x2C {
                    at += 1
                    continue
                }
                guard at[0] == 0x5D else { throw fault("',' or ']' expected") }
                at += 1
                break
            }
        }
        try closeDocument(start)
    }

    @inline(__always) mutating func closeDocument(_ start: Int) throws(JSONFault) {
        out.reserve(16)
        out.put(0)
        let length = out.position - start
        // Servers accept little more than 16 MB; this only keeps the length field correct.
        guard length <= Int(Int32.max) else { throw fault("a document over 2 GB") }
        patchLength(at: start, Int32(truncatingIfNeeded: length))
        depth -= 1
    }

    @inline(__always) func patchLength(at position: Int, _ length: Int32) {
        UnsafeMutableRawPointer(out.pointer(at: position)).storeBytes(of: length.littleEndian, as: Int32.self)
    }

    /// Checks the size of the output so far. Two characters of text may become twelve bytes, so the text's length does
    /// not bound the document's. A single value is never much longer than its own text.
    @inline(__always) private func checkSize() throws(JSONFault) {
        guard out.position <= largest else { throw JSONFault.tooLarge(at: at - text) }
    }

    // MARK: Values

    /// Reads a value and writes its bytes.
    /// - Returns: its BSON type.
    mutating func readValue() throws(JSONFault) -> UInt8 {
        skipSpace()
        guard at < end else { throw fault("a value expected") }
        out.reserve(64)
        switch at[0] {
        case 0x22:
            guard isAtQuote else { throw fault("'\"' expected") }
            try readStringValue()
            return ElementType.string.rawValue
        case 0x7B:
            at += 1
            skipSpace()
            if isAtQuote, end - at > Self.quoteWidth {
                // '$', or an escape that may stand for it.
                let first = at[Self.quoteWidth]
                if first == 0x24 || first == 0x5C, let type = try readWrapper() { return type }
            }
            try readMembers()
            return ElementType.document.rawValue
        case 0x5B:
            at += 1
            try readArray()
            return ElementType.array.rawValue
        case 0x74:
            try take("true", else: "a value expected")
            out.put(1)
            return ElementType.bool.rawValue
        case 0x66:
            try take("false", else: "a value expected")
            out.put(0)
            return ElementType.bool.rawValue
        case 0x6E:
            try take("null", else: "a value expected")
            return ElementType.null.rawValue
        default:
            return try readNumber()
        }
    }

    mutating func take(_ word: StaticString, else reason: @autoclosure () -> String) throws(JSONFault) {
        guard end - at >= word.utf8CodeUnitCount else { throw fault(reason()) }
        for index in 0..<word.utf8CodeUnitCount where at[index] != word.utf8Start[index] { throw fault(reason()) }
        at += word.utf8CodeUnitCount
    }

    /// Reads a string and writes a BSON string: its length, its bytes, a zero byte.
    @inline(__always) mutating func readStringValue() throws(JSONFault) {
        out.reserve(64)
        let length = out.position
        out.next += 4
        try readString(isName: false)
        out.reserve(64)
        out.put(0)
        patchLength(at: length, Int32(truncatingIfNeeded: out.position - length - 4))
    }

    /// Reads a string, including its quotes, and writes its content without escapes.
    @inline(__always) mutating func readString(isName: Bool) throws(JSONFault) {
        at += Self.quoteWidth
        while true {
            out.reserve(64)
            if end - at >= 8 {
                let bytes = UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
                UnsafeMutableRawPointer(out.next).storeBytes(of: bytes.littleEndian, as: UInt64.self)
                let clean = WordScan.clean(WordScan.special(bytes))
                out.next += clean
                at += clean
                if clean == 8 { continue }
            }
            guard at < end else { throw fault("'\"' expected") }
            let byte = at[0]
            switch byte {
            case 0x22:
                guard isAtQuote else { throw fault("'\"' expected") }
                at += Self.quoteWidth
                return
            case 0x5C: try readEscape(isName: isName)
            case 0..<0x20: throw fault("a control character inside a string")
            case 0x80...: try readMultibyte()
            default:
                out.put(byte)
                at += 1
            }
        }
    }

    @inline(never) private mutating func readMultibyte() throws(JSONFault) {
        repeat {
            let length = UTF8Sequence.length(at: at, available: end - at)
            guard length > 0 else { throw fault("a byte that is not UTF-8") }
            out.reserve(64)
            for index in 0..<length { out.next[index] = at[index] }
            out.next += length
            at += length
        } while at < end && at[0] >= 0x80
    }

    @inline(never) private mutating func readEscape(isName: Bool) throws(JSONFault) {
        guard end - at >= 2 else { throw fault("an escape is cut off") }
        let byte = at[1]
        switch byte {
        case 0x22:
            at += 1
            guard isAtQuote else { throw fault("'\"' expected") }
            out.put(0x22)
            at += Self.quoteWidth
            return
        case 0x5C, 0x2F: out.put(byte)
        case 0x62: out.put(0x08)
        case 0x66: out.put(0x0C)
        case 0x6E: out.put(0x0A)
        case 0x72: out.put(0x0D)
        case 0x74: out.put(0x09)
        case 0x75:
            try readUnicodeEscape(isName: isName)
            return
        default: throw fault("an unknown escape")
        }
        at += 2
    }

    private mutating func readUnicodeEscape(isName: Bool) throws(JSONFault) {
        guard var scalar = hexDigits(at + 2) else { throw fault("four hexadecimal digits expected after \\u") }
        var length = 6
        if scalar >= 0xD800, scalar < 0xDC00 {
            guard end - at >= 12, at[6] == 0x5C, at[7] == 0x75, let low = hexDigits(at + 8),
                low >= 0xDC00, low < 0xE000
            else { throw fault("half of a surrogate pair, which is no character") }
            scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            length = 12
        }
        guard let character = Unicode.Scalar(scalar) else {
            throw fault("half of a surrogate pair, which is no character")
        }
        guard scalar != 0 || !isName else { throw fault("a zero character inside a name, which BSON can't hold") }
        for unit in UTF8.encode(character).unsafelyUnwrapped { out.put(unit) }
        at += length
    }

    private func hexDigits(_ start: UnsafePointer<UInt8>) -> UInt32? {
        guard end - start >= 4 else { return nil }
        var value: UInt32 = 0
        for index in 0..<4 {
            switch start[index] {
            case 0x30...0x39: value = value << 4 | UInt32(start[index] - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(start[index] - 0x37)
            case 0x61...0x66: value = value << 4 | UInt32(start[index] - 0x57)
            default: return nil
            }
        }
        return value
    }
}
