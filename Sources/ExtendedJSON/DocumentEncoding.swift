import BSON

/// Encodes one document: walks its bytes once, from front to back.
///
/// Functions that return a Bool return whether plain Extended JSON can carry what they were given; the first false ends
/// the walk. Bounds are checked against the end of the enclosing document before anything is read.
struct DocumentEncoding<Style: QuoteStyle>: ~Copyable {
    let mode: ExtendedJSONMode
    let document: RawDocument
    let base: UnsafePointer<UInt8>
    /// The end of the whole document: words may be read up to here.
    let readable: UnsafePointer<UInt8>
    var names: SeenNames
    var out: ByteWriter
    var depth = 0

    init(mode: ExtendedJSONMode, document: RawDocument, buffer: ByteBuffer, names: consuming SeenNames) {
        self.mode = mode
        self.document = document
        let raw = document.bytes
        // A RawDocument has at least five bytes, so it has an address.
        base = raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
        readable = base + raw.count
        self.names = names
        out = buffer.makeWriter()
    }

    /// Sets the buffer's count to what was written, and returns the list of names.
    consuming func finish() -> SeenNames {
        out.finish()
        return names
    }

    mutating func writeTopLevel() -> Bool { writeDocument(base, count: document.bytes.count) }

    mutating func writeEscaped() {
        out.reserve(Base64.encodedCount(document.bytes.count) + 32)
        putTemplate(plain: "{\"$rawBSON\":\"", doubled: "{\"\"$rawBSON\"\":\"\"")
        Base64.encode(document.bytes, into: &out)
        putTemplate(plain: "\"}", doubled: "\"\"}")
    }

    @inline(__always) mutating func putTemplate(plain: StaticString, doubled: StaticString) {
        if Style.isDoubled { out.put(doubled) } else { out.put(plain) }
    }

    @inline(__always) func int32(_ pointer: UnsafePointer<UInt8>) -> Int {
        Int(Int32(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: Int32.self)))
    }

    @inline(__always) func word(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }

    // MARK: Documents

    mutating func writeDocument(_ start: UnsafePointer<UInt8>, count: Int) -> Bool {
        guard depth < BSONValidator.maximumDepth, int32(start) == count, start[count - 1] == 0 else { return false }
        depth += 1
        defer { depth -= 1 }
        let end = start + (count - 1)
        var at = start + 4
        var seen = names.open()
        out.reserve(16)
        out.put(0x7B)
        var isFirst = true
        var hasReference = false
        while at < end {
            let type = at[0]
            at += 1
            out.reserve(32)
            if !isFirst { out.put(0x2C) }
            out.putQuote(Style.self)
            let key = at
            var hash: UInt64 = 0
            guard writeName(&at, end: end, hash: &hash), names.insert(hash, in: &seen) else { return false }
            if key[0] == 0x24 {
                guard let element = ElementType(rawValue: type) else { return false }
                let name = UnsafeRawBufferPointer(start: key, count: at - key - 1)
                let value = UnsafeRawBufferPointer(start: at, count: end - at)
                switch ReservedKeys.meaning(of: name, type: element, value: value, isFirst: isFirst) {
                case .none: break
                case .reserved: return false
                case .wrapsNumbers where mode == .compact:
                    isFirst = false
                    putTemplate(plain: "\":", doubled: "\"\":")
                    guard writeWrappedNumber(element, &at, end: end) else { return false }
                    continue
                case .wrapsNumbers: break
                case .reference:
                    // A second one is a repeated name.
                    guard !hasReference else { return false }
                    hasReference = true
                    let whole = UnsafeRawBufferPointer(start: start, count: count)
                    guard let raw = try? RawDocument(whole), ReservedKeys.isLeftAlone(raw) else { return false }
                }
            }
            isFirst = false
            putTemplate(plain: "\":", doubled: "\"\":")
            guard writeValue(type, &at, end: end) else { return false }
        }
        guard at == end, names.close(seen) else { return false }
        out.reserve(16)
        out.put(0x7D)
        return true
    }

    mutating func writeArray(_ start: UnsafePointer<UInt8>, count: Int) -> Bool {
        guard depth < BSONValidator.maximumDepth, int32(start) == count, start[count - 1] == 0 else { return false }
        depth += 1
        defer { depth -= 1 }
        let end = start + (count - 1)
        var at = start + 4
        var index = ArrayIndex()
        out.reserve(16)
        out.put(0x5B)
        while at < end {
            let type = at[0]
            at += 1
            guard index.matches(at, end: end) else { return false }
            at += index.length + 1
            out.reserve(32)
            if index.isPastFirst { out.put(0x2C) }
            index.advance()
            guard writeValue(type, &at, end: end) else { return false }
        }
        guard at == end else { return false }
        out.reserve(16)
        out.put(0x5D)
        return true
    }

    // MARK: Text

    /// Writes a name and moves past its terminator. Hashes it on the way.
    @inline(__always)
    mutating func writeName(
        _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, hash: inout UInt64
    ) -> Bool {
        let start = at
        let written = out.position
        var isClean = true
        while at < end {
            let bytes = readable - at >= 8 ? word(at) : partialWord(at)
            let length = WordScan.clean(WordScan.zeros(bytes))
            if WordScan.clean(WordScan.special(bytes)) < length { isClean = false }
            out.reserve(64)
            UnsafeMutableRawPointer(out.next).storeBytes(of: bytes.littleEndian, as: UInt64.self)
            out.next += length
            at += length
            if length == 8 {
                hash = NameHash.add(bytes, to: hash)
                continue
            }
            hash = NameHash.finish(bytes & ~(UInt64.max << UInt64(8 * length)), hash)
            guard at < end else { return false }
            if !isClean {
                out.move(to: written)
                guard writeContent(start, count: at - start) else { return false }
            }
            at += 1
            return true
        }
        return false
    }

    /// The last bytes of the document as a word, padded with zeros.
    @inline(never) func partialWord(_ at: UnsafePointer<UInt8>) -> UInt64 {
        var bytes: UInt64 = 0
        for index in 0..<(readable - at) { bytes |= UInt64(at[index]) << UInt64(8 * index) }
        return bytes
    }

    @inline(__always) mutating func putEscaped(_ byte: UInt8) {
        switch byte {
        case 0x22:
            out.put(0x5C)
            out.putQuote(Style.self)
        case 0x5C: out.put("\\\\")
        case 0x0A: out.put("\\n")
        case 0x0D: out.put("\\r")
        case 0x09: out.put("\\t")
        case 0x08: out.put("\\b")
        case 0x0C: out.put("\\f")
        case 0..<0x20:
            out.put("\\u00")
            let digits: StaticString = "0123456789abcdef"
            out.put(digits.utf8Start[Int(byte >> 4)])
            out.put(digits.utf8Start[Int(byte & 15)])
        default: out.put(byte)
        }
    }

    /// Writes `count` bytes of text in quotes.
    @inline(__always)
    mutating func writeText(_ start: UnsafePointer<UInt8>, count: Int) -> Bool {
        out.reserve(64)
        out.putQuote(Style.self)
        guard writeContent(start, count: count) else { return false }
        out.putQuote(Style.self)
        return true
    }

    /// Writes text, escaped as JSON requires; leaves room for 16 more bytes.
    @inline(__always)
    mutating func writeContent(_ start: UnsafePointer<UInt8>, count: Int) -> Bool {
        var at = start
        let end = start + count
        while at < end {
            out.reserve(64)
            let bytes = readable - at >= 8 ? word(at) : partialWord(at)
            UnsafeMutableRawPointer(out.next).storeBytes(of: bytes.littleEndian, as: UInt64.self)
            let clean = min(WordScan.clean(WordScan.special(bytes)), end - at)
            out.next += clean
            at += clean
            if clean == 8 || at == end { continue }
            if at[0] < 0x80 {
                putEscaped(at[0])
                at += 1
            } else {
                guard writeMultibyte(&at, end: end) else { return false }
            }
        }
        return true
    }

    /// Writes a run of multi-byte characters.
    @inline(never)
    mutating func writeMultibyte(_ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        repeat {
            let length = UTF8Sequence.length(at: at, available: end - at)
            guard length > 0 else { return false }
            out.reserve(64)
            for index in 0..<length { out.next[index] = at[index] }
            out.next += length
            at += length
        } while at < end && at[0] >= 0x80
        return true
    }

    /// Reads a string as ``takeString(_:end:)`` does; nil also if it contains a zero character, at which libbson cuts
    /// code and the names of collections off.
    func takeStringWithoutZero(
        _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> (start: UnsafePointer<UInt8>, count: Int)? {
        guard let text = takeString(&at, end: end) else { return nil }
        return UnsafeBufferPointer(start: text.start, count: text.count).contains(0) ? nil : text
    }

    /// Reads the length of a string, checks its terminator and moves past it.
    @inline(__always)
    func takeString(
        _ at: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
    ) -> (start: UnsafePointer<UInt8>, count: Int)? {
        guard end - at >= 5 else { return nil }
        let length = int32(at)
        let start = at + 4
        guard length >= 1, length <= end - start, start[length - 1] == 0 else { return nil }
        at = start + length
        return (start, length - 1)
    }
}
