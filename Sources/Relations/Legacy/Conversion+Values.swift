import BSON
import ExtendedJSON

extension Conversion {
    static func date(_ element: RawElement, isDemanded: Bool) -> Int64? {
        if let text = element.stringBytes {
            return isDemanded ? ISOTime.lenient(text) : ISOTime.exactly(text) ?? ISOTime.exactlyExpanded(text)
        }
        return isDemanded ? element.integer : nil
    }

    static func decimal(_ element: RawElement, isDemanded: Bool) -> Decimal128? {
        if let text = element.stringBytes { return isDemanded ? number(text) : nil }
        return decimal(number: element)
    }

    static func integer(_ element: RawElement, isDemanded: Bool) -> Int64? {
        if let number = element.integer { return number }
        // A decimal carries its type in the row: only the configuration may override it.
        if let number = element.decimal128 { return isDemanded ? number.integer : nil }
        if let text = element.stringBytes { return isDemanded ? number(text)?.integer : largeLong(text) }
        return element.type == .document ? element.document.flatMap(splitLong) : nil
    }

    static func double(_ element: RawElement, isDemanded: Bool) -> Double? {
        switch element.type {
        case .int32, .int64: return element.integer.flatMap(double)
        case .decimal128: return isDemanded ? element.decimal128.flatMap(double) : nil
        default:
            guard isDemanded, let text = element.stringBytes else { return nil }
            return number(text).flatMap(double)
        }
    }

    static func bool(_ element: RawElement) -> Bool? {
        guard let text = element.stringBytes else { return nil }
        return text.isUTF8(of: "true") ? true : text.isUTF8(of: "false") ? false : nil
    }

    /// Parses `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, or 16 bytes in base64 or as a Node.js Buffer, as older drivers
    /// write it.
    static func uuid(_ element: RawElement) -> [UInt8]? {
        if let (_, payload) = element.binary { return payload.count == 16 ? [UInt8](payload) : nil }
        guard let text = element.stringBytes else { return bytes(element).flatMap { $0.count == 16 ? $0 : nil } }
        return UUIDText.bytes(text) ?? Base64.bytes(text).flatMap { $0.count == 16 ? $0 : nil }
    }

    static func binary(_ element: RawElement, _ subtype: UInt8) -> Conversion? {
        guard let payload = bytes(element) else { return nil }
        // Subtype 2 repeats the length inside its payload; drivers remove it when reading.
        let inner = subtype == 2 ? withUnsafeBytes(of: Int32(payload.count).littleEndian) { [UInt8]($0) } : []
        return .binary(subtype: subtype, inner + payload)
    }

    /// The bytes of base64 text or of a Node.js Buffer: `{"type": "Buffer", "data": [1, 2]}`.
    private static func bytes(_ element: RawElement) -> [UInt8]? {
        if let text = element.stringBytes { return Base64.bytes(text) }
        guard element.type == .document, var walker = element.document.flatMap(dataOfBuffer)?.makeWalker() else {
            return nil
        }
        var bytes: [UInt8] = []
        while let item = try? walker.next() {
            guard let byte = item.integer.flatMap(UInt8.init(exactly:)) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// The array of a Buffer's bytes; nil unless the document is exactly what JSON.stringify writes for a Buffer, since
    /// any other content would be lost.
    private static func dataOfBuffer(_ document: RawDocument) -> RawDocument? {
        var walker = document.makeWalker()
        guard let type = try? walker.next(), type.keyEquals("type"), type.stringBytes?.isUTF8(of: "Buffer") == true,
            let data = try? walker.next(), data.keyEquals("data"), data.type == .array, (try? walker.next()) == nil
        else { return nil }
        return data.document
    }

    static func isBuffer(_ document: RawDocument) -> Bool { dataOfBuffer(document) != nil }

    /// Whether a document is exactly what JSON.stringify writes for a Long. Where the type is known, `low` and `high`
    /// are enough; otherwise they may be the ends of a range.
    static func isLong(_ document: RawDocument) -> Bool {
        var walker = document.makeWalker()
        guard let low = try? walker.next(), low.keyEquals("low"), low.type == .int32,
            let high = try? walker.next(), high.keyEquals("high"), high.type == .int32,
            let unsigned = try? walker.next(), unsigned.keyEquals("unsigned"), unsigned.type == .bool
        else { return false }
        return (try? walker.next()) == nil
    }

    // MARK: - Numbers

    /// Reads `{"low": …, "high": …, "unsigned": …}`, as JavaScript's Long is written, the last perhaps left out. Any
    /// other content would be lost.
    private static func splitLong(_ document: RawDocument) -> Int64? {
        var count = 0
        var walker = document.makeWalker()
        while (try? walker.next()) != nil { count += 1 }
        let unsigned = document["unsigned"]
        guard count == (unsigned == nil ? 2 : 3), unsigned.map({ $0.type == .bool }) ?? true,
            let low = document["low"]?.integer.flatMap(Int32.init(exactly:)),
            let high = document["high"]?.integer.flatMap(Int32.init(exactly:))
        else { return nil }
        let number = Int64(high) << 32 | Int64(UInt32(bitPattern: low))
        return unsigned?.bool == true && number < 0 ? nil : number
    }

    /// A Long that no double holds, which older JavaScript drivers write as a string.
    private static func largeLong(_ text: UnsafeRawBufferPointer) -> Int64? {
        // The shortest such number has 16 digits.
        guard (16...20).contains(text.count) else { return nil }
        let digits = String(decoding: text, as: UTF8.self)
        guard let number = Int64(digits), String(number) == digits, number.magnitude > 1 << 53 else { return nil }
        return number
    }

    /// A number in decimal notation of at most 34 digits: no words, no hexadecimal, no spaces.
    private static func number(_ text: UnsafeRawBufferPointer) -> Decimal128? {
        let isNumeric = text.allSatisfy { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }
        return isNumeric ? Decimal128(text) : nil
    }

    private static func decimal(number element: RawElement) -> Decimal128? {
        switch element.type {
        case .int32, .int64: return element.integer.flatMap { Decimal128(String($0)) }
        case .double: return element.double.flatMap(decimal)
        default: return nil
        }
    }

    /// The shortest decimal that reads back as the double: 120.5, not the 50 digits of its exact value.
    private static func decimal(_ double: Double) -> Decimal128? {
        var text = double.description
        if text.hasSuffix(".0") { text.removeLast(2) }
        return Decimal128(text)
    }

    /// Beyond 53 bits, JavaScript writes the fewest digits that read back as the double and pads them with zeros; the
    /// padded number itself need not be a double.
    private static func double(_ number: Int64) -> Double? {
        Double(exactly: number) ?? Decimal128(String(number)).flatMap(double)
    }

    private static func double(_ number: Decimal128) -> Double? {
        guard let candidate = Double(number.description), let back = decimal(candidate), back.reduced == number.reduced
        else { return nil }
        return candidate
    }
}
