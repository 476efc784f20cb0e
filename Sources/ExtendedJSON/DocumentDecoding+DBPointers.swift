import BSON

extension DocumentDecoding {
    mutating func readDBPointer() throws(JSONFault) -> UInt8 {
        try takeName("$dbPointer")
        try expect(0x7B, "'{'")
        skipSpace()
        guard isAtQuote else { throw pointerFault }
        if matches("$ref") {
            try readPointerCollection()
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("$id") else { throw pointerFault }
            try readPointerID()
        } else {
            guard matches("$id") else { throw pointerFault }
            // In BSON the id comes last.
            let start = out.position
            try readPointerID()
            let id = [UInt8](written(from: start))
            out.move(to: start)
            try expect(0x2C, "','")
            skipSpace()
            guard isAtQuote, matches("$ref") else { throw pointerFault }
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

    private var pointerFault: JSONFault { fault("$dbPointer must hold $ref and $id") }
}
