import BSON

extension DocumentDecoding {
    mutating func readCode() throws(JSONFault) -> UInt8 {
        // Only after the code is it known whether a scope follows, and with it the total length that precedes the code.
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

    /// Reads `{"$scope":{…},"$code":"…"}`, which is code with scope in the other order, or an ordinary document that
    /// begins with that name.
    ///
    /// It is written as an ordinary document until `$code` follows. Looking ahead would read every scope twice, and so
    /// would each scope inside of it: the time would double with every level.
    mutating func readScope() throws(JSONFault) -> UInt8 {
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
