import BSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Wrappers of bytes: whole documents, UUIDs, and binary data as in versions 1 and 2.
extension DocumentDecoding {
    /// Reads `{"$rawBSON":"<base64>"}`, which carries a row's whole document, and validates it at every depth.
    mutating func readRawBSON(at start: Int) throws(JSONFault) {
        try takeName("$rawBSON")
        try requireString("$rawBSON")
        try readBase64("$rawBSON")
        let place = at
        let bytes = written(from: start)
        if let error = BSONValidator.firstFault(in: bytes) {
            at = place
            throw fault("$rawBSON is \(error)")
        }
        traits.insert([.wrapper, .rawBSON])
        try expect(0x7D, "'}'")
    }

    /// Reads a base64 string and writes the bytes that it encodes.
    private mutating func readBase64(_ name: StaticString) throws(JSONFault) {
        let width = Self.quoteWidth
        let start = at + width
        // Base64 contains no quotes. If an escaped quote ends the text early, decoding fails on the escape.
        guard start < end, let quote = memchr(start, 0x22, end - start) else { throw fault("'\"' expected") }
        let stop = UnsafePointer(quote.assumingMemoryBound(to: UInt8.self))
        let text = UnsafeRawBufferPointer(start: start, count: stop - start)
        let place = out.position
        if Base64.decode(text, into: &out) {
            at = stop
            guard isAtQuote else { throw fault("'\"' expected") }
            at += width
        } else {
            out.move(to: place)
            guard text.contains(0x5C), try readEscapedBase64() else {
                throw fault("\(name) is not base64 with padding")
            }
        }
        out.reserve(64)
    }

    /// Reads a base64 string that contains escapes: many writers escape a slash as `\/`.
    /// - Returns: false, with nothing consumed, if it is not base64.
    private mutating func readEscapedBase64() throws(JSONFault) -> Bool {
        let (place, start) = (at, out.position)
        try readString(isName: false)
        let text = [UInt8](written(from: start))
        out.move(to: start)
        guard text.withUnsafeBytes({ Base64.decode($0, into: &out) }) else {
            at = place
            return false
        }
        return true
    }

    mutating func readBinary() throws(JSONFault) -> UInt8 {
        try takeName("$binary")
        let start = out.position
        out.next += 5
        if isAtQuote {
            // Version 1: {"$binary":"<base64>","$type":"00"}
            try readBase64("$binary")
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("$type") else { throw fault("$type expected beside $binary") }
            try takeName("$type")
            try finishBinary(from: start, subtype: try readSubtype())
            try closeWrapper()
            return ElementType.binary.rawValue
        }
        try expect(0x7B, "'{'")
        skipSpace()
        guard isAtQuote else { throw binaryFault }
        let subtype: UInt8
        if matches("base64") {
            try takeName("base64")
            try requireString("base64")
            try readBase64("base64")
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("subType") else { throw binaryFault }
            try takeName("subType")
            subtype = try readSubtype()
        } else {
            guard matches("subType") else { throw binaryFault }
            try takeName("subType")
            subtype = try readSubtype()
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("base64") else { throw binaryFault }
            try takeName("base64")
            try requireString("base64")
            try readBase64("base64")
        }
        try expect(0x7D, "'}'")
        try finishBinary(from: start, subtype: subtype)
        try closeWrapper()
        return ElementType.binary.rawValue
    }

    private mutating func readSubtype() throws(JSONFault) -> UInt8 {
        try requireString("subType")
        let start = out.position
        try readString(isName: false)
        let text = String(decoding: written(from: start), as: UTF8.self)
        out.move(to: start)
        out.reserve(64)
        guard (1...2).contains(text.utf8.count), text.utf8.first != 0x2B, let subtype = UInt8(text, radix: 16) else {
            throw fault("subType must be one or two hexadecimal digits")
        }
        return subtype
    }

    /// Fills in the length and the subtype in front of the payload. The old subtype 2 has the length once more inside.
    private mutating func finishBinary(from start: Int, subtype: UInt8) throws(JSONFault) {
        let count = out.position - start - 5
        if subtype == 2 {
            out.reserve(64)
            let payload = out.pointer(at: start + 5)
            UnsafeMutableRawPointer(payload + 4).copyMemory(from: payload, byteCount: count)
            out.move(to: start + 5 + count + 4)
            patchLength(at: start + 5, Int32(truncatingIfNeeded: count))
            patchLength(at: start, Int32(truncatingIfNeeded: count + 4))
        } else {
            patchLength(at: start, Int32(truncatingIfNeeded: count))
        }
        out.pointer(at: start + 4).pointee = subtype
    }

    mutating func readUUID() throws(JSONFault) -> UInt8 {
        try takeName("$uuid")
        try requireString("$uuid")
        let start = out.position
        try readString(isName: false)
        out.reserve(64)
        guard let bytes = UUIDText.bytes(written(from: start)) else {
            throw fault("$uuid must look like 8-4-4-4-12 hexadecimal digits")
        }
        out.move(to: start)
        out.put(littleEndian: Int32(16))
        out.put(4)
        for byte in bytes { out.put(byte) }
        try closeWrapper()
        return ElementType.binary.rawValue
    }

    /// Reads version 1's `{"$type":"00","$binary":"…"}`; nil, with nothing consumed, if it is an ordinary document,
    /// such as one with the query operator of the same name.
    mutating func readLegacyBinary() throws(JSONFault) -> UInt8? {
        let place = at
        let written = out.position
        try takeName("$type")
        guard isAtQuote else {
            at = place
            return nil
        }
        try readString(isName: false)
        skipSpace()
        var isBinary = false
        if at < end, at[0] == 0x2C {
            at += 1
            skipSpace()
            isBinary = isAtQuote && matches("$binary")
        }
        out.move(to: written)
        at = place
        guard isBinary else { return nil }
        try takeName("$type")
        let subtype = try readSubtype()
        try expect(0x2C, "','")
        skipSpace()
        try takeName("$binary")
        let start = out.position
        out.next += 5
        try requireString("$binary")
        try readBase64("$binary")
        try finishBinary(from: start, subtype: subtype)
        try closeWrapper()
        return ElementType.binary.rawValue
    }

    private var binaryFault: JSONFault { fault("$binary must hold base64 and subType") }
}
