import BSON

/// Generates documents of everything that a server can store, with unusual values more often than in real data.
public struct RandomDocument {
    public var random: SeededGenerator
    /// Whether to leave out what Extended JSON cannot represent, so that every document has a plain form.
    public let plainOnly: Bool

    public init(seed: UInt64, plainOnly: Bool = false) {
        random = SeededGenerator(seed: seed)
        self.plainOnly = plainOnly
    }

    /// Generates a document whose `_id` is an ObjectId.
    public mutating func next() -> Document {
        Document { builder in
            builder.append(
                "_id", .objectID(ObjectID(high: random.next(), low: UInt32(truncatingIfNeeded: random.next()))))
            appendElements(to: &builder, depth: 0)
        }
    }

    private mutating func appendElements(to builder: inout DocumentBuilder, depth: Int) {
        var used: Set<String> = ["_id"]
        let count = random.once(in: 40) ? 60 + random.below(60) : random.below(9)
        for _ in 0..<count {
            var name = randomName()
            if plainOnly || !random.once(in: 60) {
                while used.contains(name) { name += String(random.below(10)) }
            }
            used.insert(name)
            builder.append(name, value(depth: depth + 1))
        }
    }

    private mutating func randomName() -> String {
        if !plainOnly, random.once(in: 150) {
            return ["$oid", "$date", "$numberLong", "$binary", "$uuid", "$regex", "$code", "$rawBSON", "$scope"]
                .randomElement(using: &random) ?? ""
        }
        switch random.below(14) {
        case 0:
            return [
                "", ".", "a.b", "$", "$set", "$ref", plainOnly ? "$eq" : "$id", plainOnly ? "$in" : "$type", "0",
                "a\"b", "back\\slash",
                "tab\t", "\u{1}", "é", "名前", "💶", "\u{2028}",
            ]
            .randomElement(using: &random) ?? ""
        case 1:
            return String((0..<random.below(40)).map { _ in Character(Unicode.Scalar(UInt8(33 + random.below(90)))) })
                .replacing("$", with: "x")
        default:
            return [
                "name", "amount", "policyId", "createdAt", "tags", "address", "lines", "isActive", "x",
                "averylongfieldname",
            ]
            .randomElement(using: &random) ?? ""
        }
    }

    private mutating func text() -> String {
        switch random.below(8) {
        case 0: return ""
        case 1:
            return [
                "2026-11-23T20:04:45.123Z", "5c2aad8012345678901234ab", "\"quoted\"", "a,b\n\r\tc", "\u{0}", "x\u{0}y",
                "\u{7F}", "#", "\u{2028}\u{2029}", "\\u0041", "NaN", "</script>", "'=1+1",
            ]
            .randomElement(using: &random) ?? ""
        case 2:
            return String(
                String.UnicodeScalarView(
                    (0..<random.below(30)).map { _ in
                        Unicode.Scalar(UInt32(random.below(0x10FFFF))) ?? "\u{FFFD}"
                    }))
        case 3: return String(repeating: "lorem ipsum ", count: random.below(30))
        default:
            return String((0..<random.below(24)).map { _ in Character(Unicode.Scalar(UInt8(32 + random.below(95)))) })
        }
    }

    private mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(random.below(256)) } }

    private mutating func double() -> Double {
        switch random.below(8) {
        case 0:
            let special: [Double] = [
                0, -0.0, 1, -1, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e15, 1e16,
                9_007_199_254_740_992, 0.1, 1e21, 1e-7, 2.2250738585072014e-308, 123456789.123, 1e9, 999999999.9999,
            ]
            return special.randomElement(using: &random) ?? 0
        case 1:
            if plainOnly { return Double(bitPattern: 0x7FF8_0000_0000_0000) }
            return Double(bitPattern: 0x7FF8_0000_0000_0000 | random.next() >> 20)
        case 2, 3: return Double(random.below(10_000_000)) / 100
        case 4:
            let number = Double(bitPattern: random.next())
            return number.isFinite ? number : 1.5
        default: return Double.random(in: -1000...1000, using: &random)
        }
    }

    private mutating func decimal() -> Value {
        if !plainOnly, random.once(in: 6) { return .decimal128(Decimal128(low: random.next(), high: random.next())) }
        let text =
            [
                "0", "-0", "1.0", "1.00", "120.50", "1E+6144", "1E-6176", "Infinity", "-Infinity", "NaN",
                "9999999999999999999999999999999999", "0E+3", "-1.5E-10", "0.000001",
            ]
            .randomElement(using: &random) ?? "0"
        return .decimal128(Decimal128(text) ?? Decimal128(low: 0, high: 0))
    }

    /// A document with the two names of a wrapper, in either order.
    private mutating func lookAlike(depth: Int) -> Value {
        let pairs = [
            ("$code", "$scope"), ("$ref", "$id"), ("base64", "subType"), ("t", "i"), ("pattern", "options"),
            ("$regex", "$options"), ("$binary", "$type"),
        ]
        let pair = pairs[random.below(pairs.count)]
        let names = random.once(in: 2) ? [pair.0, pair.1] : [pair.1, pair.0]
        return .document(
            Document { builder in
                for name in names {
                    builder.append(name, random.once(in: 2) ? .string(text()) : value(depth: depth + 1))
                }
            })
    }

    public mutating func value(depth: Int) -> Value {
        switch random.below(depth > 4 ? 20 : 24) {
        case 0: return .double(double())
        case 1, 2, 3:
            if !plainOnly, random.once(in: 100) {
                // Not UTF-8: servers accept it from drivers that do not check.
                return .other(.string, [3, 0, 0, 0, 0xC3, 0x28, 0])
            }
            return .string(text())
        case 4: return .objectID(ObjectID(high: random.next(), low: UInt32(truncatingIfNeeded: random.next())))
        case 5: return .bool(random.once(in: 2))
        case 6:
            let dates: [Int64] = [
                0, -1, 1, 253_402_300_799_999, 253_402_300_800_000, .min, .max, 1_700_000_000_000, 951_782_400_000,
            ]
            return .date(
                random.once(in: 2) ? dates.randomElement(using: &random) ?? 0 : Int64(random.below(253_402_300_800_000))
            )
        case 7: return .null
        case 8:
            let numbers: [Int32] = [0, 1, -1, .min, .max, 9, 10, 99, 100]
            return .int32(
                random.once(in: 2)
                    ? numbers.randomElement(using: &random) ?? 0 : Int32(truncatingIfNeeded: random.next()))
        case 9:
            let numbers: [Int64] = [
                0, 1, -1, .min, .max, 2_147_483_647, 2_147_483_648, -2_147_483_648, -2_147_483_649, 1 << 53,
                1 << 53 + 1, -(1 << 53), -(1 << 53) - 1,
            ]
            return .int64(
                random.once(in: 2) ? numbers.randomElement(using: &random) ?? 0 : Int64(bitPattern: random.next()))
        case 10: return .timestamp(Timestamp(rawValue: random.once(in: 3) ? 0 : random.next()))
        case 11: return decimal()
        case 12:
            let subtype = [0, 1, 3, 4, 5, 6, 128, 255].randomElement(using: &random) ?? 0
            return .binary(subtype: UInt8(subtype), bytes(random.once(in: 2) ? 16 : random.below(40)))
        case 13:
            // The old binary subtype, which has a second length, sometimes a wrong one.
            let payload = bytes(random.below(20))
            var inner: [UInt8] = [UInt8(payload.count), 0, 0, 0]
            if !plainOnly, random.once(in: 4) { inner[0] ^= 1 }
            return .binary(subtype: 2, inner + payload)
        case 14: return random.once(in: 2) ? .minKey : .maxKey
        case 15: return .other(.undefined, [])
        case 16:
            let options = plainOnly ? ["", "i", "im", "ilmsux"] : ["", "i", "mi", "imsx", "ii", "iz", "u"]
            let pattern = ["", "^a.*$", "a\"b\\d", "/x/", "名"].randomElement(using: &random) ?? ""
            return .other(
                .regularExpression,
                Array(pattern.utf8) + [0] + Array((options.randomElement(using: &random) ?? "").utf8) + [0])
        case 17:
            var raw: [UInt8] = []
            let isCode = random.once(in: 2)
            let text = text()
            // Code with a zero character is escaped.
            Value.string(isCode && plainOnly ? text.filter { $0 != "\u{0}" } : text).appendBytes(to: &raw)
            return .other(isCode ? .code : .symbol, raw)
        case 18:
            var raw: [UInt8] = []
            Value.string("db.collection").appendBytes(to: &raw)
            Value.objectID(ObjectID(high: random.next(), low: 7)).appendBytes(to: &raw)
            return .other(.dbPointer, raw)
        case 19:
            var body: [UInt8] = []
            Value.string("function () { return x; }").appendBytes(to: &body)
            body += Document { $0.append("x", .int32(1)) }.bytes
            var raw: [UInt8] = []
            Value.int32(Int32(body.count + 4)).appendBytes(to: &raw)
            return .other(.codeWithScope, raw + body)
        case 20, 21:
            if !plainOnly, random.once(in: 30) { return lookAlike(depth: depth) }
            return .document(Document { appendElements(to: &$0, depth: depth) })
        default:
            if !plainOnly, random.once(in: 60) { return .array(Document { $0.append("1", "odd name") }) }
            return .array((0..<(random.once(in: 30) ? 120 : random.below(6))).map { _ in value(depth: depth + 1) })
        }
    }
}
