import BSON

/// Regular expressions, as in versions 1 and 2.
extension DocumentDecoding {
    mutating func readRegularExpression() throws(JSONFault) -> UInt8 {
        try takeName("$regularExpression")
        try expect(0x7B, "'{'")
        try readExpression(pattern: "pattern", options: "options", "$regularExpression")
        try expect(0x7D, "'}'")
        try closeWrapper()
        return ElementType.regularExpression.rawValue
    }

    /// Reads pattern and options, in either order, up to the closing brace, and writes two C strings.
    private mutating func readExpression(
        pattern: StaticString, options: StaticString, _ name: StaticString
    ) throws(JSONFault) {
        skipSpace()
        guard isAtQuote else { throw fault("\(name) must hold \(pattern) and \(options)") }
        let start = out.position
        if matches(pattern) {
            try readCString(pattern)
            skipSpace()
            // Version 1 omits empty options.
            if pattern.utf8Start[0] == 0x24, at < end, at[0] == 0x7D {
                out.put(0)
                return
            }
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches(options) else { throw fault("\(name) must hold \(pattern) and \(options)") }
            try readCString(options)
            return
        }
        guard matches(options) else { throw fault("\(name) must hold \(pattern) and \(options)") }
        try readCString(options)
        let optionBytes = [UInt8](written(from: start))
        out.move(to: start)
        try expect(0x2C, "','")
        skipSpace()
        guard isAtQuote, matches(pattern) else { throw fault("\(name) must hold \(pattern) and \(options)") }
        try readCString(pattern)
        out.reserve(optionBytes.count + 64)
        for byte in optionBytes { out.put(byte) }
    }

    private mutating func readCString(_ name: StaticString) throws(JSONFault) {
        try takeName(name)
        try requireString(name)
        try readString(isName: true)
        out.reserve(64)
        out.put(0)
    }

    /// Reads version 1's `{"$regex":"…","$options":"…"}`, in either order; nil, with nothing consumed, for anything
    /// else that begins with one of these names: that is a query, an ordinary document.
    mutating func readLegacyRegularExpression() -> UInt8? {
        let place = at
        let written = out.position
        do throws(JSONFault) {
            try readExpression(pattern: "$regex", options: "$options", "$regex")
            try expect(0x7D, "'}'")
            traits.insert(.legacyRegularExpression)
            return ElementType.regularExpression.rawValue
        } catch {
            at = place
            out.move(to: written)
            return nil
        }
    }
}
