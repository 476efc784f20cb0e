import BSON

/// A 64-bit hash of a value under which values that a server takes for equal are equal: 1, 1.0 and NumberLong(1).
///
/// Used to notice that two `_id`s may be the same. Where that matters the values themselves are compared afterwards.
enum IDHash {
    static func hash(_ element: RawElement) -> UInt64 { finish(add(element, to: seed)) }

    /// The same for an ObjectId that stands in no document yet.
    static func hash(_ id: ObjectID) -> UInt64 {
        // As `add(bytes:)` takes its twelve bytes: eight as they lie in memory, then the rest.
        let start = mix(mix(seed, UInt64(ElementType.objectID.rawValue)), 12)
        return finish(mix(mix(start, id.high.bigEndian), UInt64(id.low)))
    }

    private static let seed: UInt64 = 0x243F_6A88_85A3_08D3

    private static func add(_ element: RawElement, to hash: UInt64) -> UInt64 {
        switch element.type {
        case .int32: return mix(mix(hash, 1), UInt64(bitPattern: Int64(element.int32 ?? 0)))
        case .int64: return mix(mix(hash, 1), UInt64(bitPattern: element.int64 ?? 0))
        case .double:
            let number = element.double ?? 0
            if let whole = Int64(exactly: number) { return mix(mix(hash, 1), UInt64(bitPattern: whole)) }
            return mix(mix(hash, 2), number.isNaN ? 0x7FF8_0000_0000_0000 : number.bitPattern)
        case .decimal128: return add(element.decimal128 ?? Decimal128(low: 0, high: 0), to: hash)
        case .document, .array:
            var result = mix(hash, UInt64(element.type.rawValue))
            guard var walker = element.document?.makeWalker() else { return result }
            while let inner = try? walker.next() {
                result = add(bytes: inner.key, to: result)
                result = add(inner, to: result)
            }
            return mix(result, 0xE0D)
        default: return add(bytes: element.value, to: mix(hash, UInt64(element.type.rawValue)))
        }
    }

    private static func add(_ number: Decimal128, to hash: UInt64) -> UInt64 {
        guard var (coefficient, exponent) = number.finiteParts else {
            if number.isNaN { return mix(mix(hash, 2), 0x7FF8_0000_0000_0000) }
            return mix(mix(hash, 2), (number.isNegative ? -Double.infinity : .infinity).bitPattern)
        }
        while coefficient != 0, coefficient % 10 == 0 {
            coefficient /= 10
            exponent += 1
        }
        if coefficient == 0 { return mix(mix(hash, 1), 0) }
        var whole = coefficient
        var left = exponent
        while left > 0, whole < UInt128(Int64.max) {
            whole *= 10
            left -= 1
        }
        if left == 0, whole <= UInt128(Int64.max) {
            let magnitude = Int64(whole)
            return mix(mix(hash, 1), UInt64(bitPattern: number.isNegative ? -magnitude : magnitude))
        }
        let sign: UInt64 = number.isNegative ? 1 : 0
        return mix(
            mix(mix(hash, 3 + sign), UInt64(truncatingIfNeeded: coefficient)), UInt64(bitPattern: Int64(exponent)))
    }

    private static func add(bytes: UnsafeRawBufferPointer, to hash: UInt64) -> UInt64 {
        var result = mix(hash, UInt64(bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            result = mix(result, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        return mix(result, rest)
    }

    @inline(__always) private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return (product.high ^ product.low) &+ 0x2545_F491_4F6C_DD1D
    }

    @inline(__always) private static func finish(_ hash: UInt64) -> UInt64 {
        var mixed = hash
        mixed = (mixed ^ mixed >> 32) &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ mixed >> 32
    }
}
