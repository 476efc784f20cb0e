import BSON

/// A 64-bit hash of a value that is the same for all values that a server treats as equal: 1, 1.0 and NumberLong(1).
/// See ``ServerEquality``.
///
/// It shows that two values may be equal. Where a row is refused, or a document written over, for that, the values
/// themselves are compared afterwards. What is only counted, and whether a reference leads to a document, is decided by
/// the hash alone, which is wrong for one in 2^64 pairs.
enum IDHash {
    static func hash(_ element: RawElement) -> UInt64 { finish(add(element, to: seed)) }

    /// Returns the same hash for an ObjectId that is not in a document yet.
    static func hash(_ id: ObjectID) -> UInt64 {
        // As `add(bytes:)` reads its twelve bytes: eight as they are in memory, then the rest.
        let start = mix(mix(seed, UInt64(ElementType.objectID.rawValue)), 12)
        return finish(mix(mix(start, id.high.bigEndian), UInt64(id.low)))
    }

    /// Returns the same hash for any value that is not in a document.
    static func hash(of value: Value) -> UInt64 {
        if case .objectID(let id) = value { return hash(id) }
        let document: Document = ["_id": value]
        return document.withRaw { $0.first.map { hash($0) } ?? seed }
    }

    /// An unpredictable seed: with `_id`s crafted to have one hash, a file of a few MB would keep a check busy for
    /// hours.
    private static let seed = UInt64.random(in: .min ... .max)

    /// Words that begin a number or end a document. They are no type's number and no length of a name: otherwise,
    /// different values could be made of the same words, and have one hash whatever the seed is.
    private enum Mark {
        static let whole: UInt64 = .max
        static let double: UInt64 = .max - 1
        static let positive: UInt64 = .max - 2
        static let negative: UInt64 = .max - 3
        static let end: UInt64 = .max - 4
    }

    private static func add(_ element: RawElement, to hash: UInt64) -> UInt64 {
        switch element.type {
        // The most common types, for which the number's other representations need not be considered.
        case .int32: return add(.whole(Int64(element.int32 ?? 0)), to: hash)
        case .int64: return add(.whole(element.int64 ?? 0), to: hash)
        case .double, .decimal128: return ServerNumber(element).map { add($0, to: hash) } ?? hash
        case .document, .array:
            let result = mix(hash, UInt64(element.type.rawValue))
            return element.document.map { add($0, to: result) } ?? result
        case .codeWithScope:
            let result = mix(hash, UInt64(element.type.rawValue))
            guard let code = element.codeBeforeScope, let scope = try? element.scope else {
                return add(bytes: element.value, to: result)
            }
            return add(scope, to: add(bytes: code, to: result))
        default: return add(bytes: element.value, to: mix(hash, UInt64(element.type.inComparison.rawValue)))
        }
    }

    private static func add(_ document: RawDocument, to hash: UInt64) -> UInt64 {
        var result = hash
        var walker = document.makeWalker()
        while let inner = try? walker.next() {
            result = add(bytes: inner.key, to: result)
            result = add(inner, to: result)
        }
        return mix(result, Mark.end)
    }

    private static func add(_ number: ServerNumber, to hash: UInt64) -> UInt64 {
        switch number {
        case .whole(let whole): mix(mix(hash, Mark.whole), UInt64(bitPattern: whole))
        case .double(let bits): mix(mix(hash, Mark.double), bits)
        case .decimal(let isNegative, let coefficient, let exponent):
            mix(
                mix(
                    mix(mix(hash, isNegative ? Mark.negative : Mark.positive), UInt64(truncatingIfNeeded: coefficient)),
                    UInt64(truncatingIfNeeded: coefficient >> 64)), UInt64(bitPattern: Int64(exponent)))
        }
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
