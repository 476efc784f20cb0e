import BSON

/// The kinds of values that can be keys. Two values of one kind are equal on the server if and only if they are equal
/// here.
enum IDClass: Int, CaseIterable, Sendable {
    case objectID
    case uuid
    case integer
    case string
    /// A key with several parts: `{branch: "A", number: 7}`.
    case document
    case date
    case decimal

    /// Larger documents are content, not keys.
    private static let maximumDocument = 512

    /// Nil for values that nobody uses as keys: fractions, long strings, arrays.
    init?(_ element: RawElement) {
        switch element.type {
        case .objectID: self = .objectID
        case .binary:
            guard element.binary?.payload.count == 16 else { return nil }
            self = .uuid
        case .int32, .int64, .double:
            guard element.integer != nil else { return nil }
            self = .integer
        case .string:
            guard let text = element.stringBytes, (1...100).contains(text.count) else { return nil }
            self = .string
        case .document:
            // The smallest document that is not empty: its length, one element of at least two bytes, its end.
            guard (8...Self.maximumDocument).contains(element.value.count) else { return nil }
            // Servers reject such keys, and a query would take the name for an operator.
            guard element.document?.first?.key.first != UInt8(ascii: "$") else { return nil }
            self = .document
        case .date: self = .date
        case .decimal128: self = .decimal
        default: return nil
        }
    }

    init?(_ value: Value) {
        switch value {
        case .objectID: self = .objectID
        case .binary: self = .uuid
        case .int64: self = .integer
        case .string: self = .string
        case .document: self = .document
        case .date: self = .date
        case .decimal128: self = .decimal
        default: return nil
        }
    }

    /// The name for evidence.
    var name: String {
        switch self {
        case .objectID: "ObjectId"
        case .uuid: "UUID"
        case .integer: "whole number"
        case .string: "string"
        case .document: "document"
        case .date: "date"
        case .decimal: "decimal"
        }
    }

    /// The plural for objections.
    var plural: String {
        switch self {
        case .integer: "small whole numbers"
        case .date: "dates"
        case .decimal: "decimals"
        case .document: "small documents"
        default: "short strings"
        }
    }

    /// Normalizes a value for comparison: integers of any type become one type, also inside a document, and decimals
    /// lose the zeros at their end.
    static func normalized(_ value: Value) -> Value {
        switch value {
        case .int32(let number): .int64(Int64(number))
        case .double(let number): Int64(exactly: number).map(Value.int64) ?? value
        case .decimal128(let number): .decimal128(number.reduced)
        case .document(let document): .document(normalized(document))
        default: value
        }
    }

    private static func normalized(_ document: Document) -> Document {
        Document { result in
            for (key, value) in document.elements {
                // Within a key, a decimal may stand for a whole number.
                let whole: Value? =
                    if case .decimal128(let number) = value { number.integer.map(Value.int64) } else { nil }
                result.append(key, whole ?? normalized(value))
            }
        }
    }

    /// The same in every run, and for equal values.
    static func hash(_ element: RawElement) -> UInt64 {
        if let number = element.integer { return hash(number) }
        return switch element.type {
        case .decimal128: element.decimal128.map { hash($0.reduced) } ?? stableHash(element.value)
        case .document: element.document.map(hash) ?? stableHash(element.value)
        default: stableHash(element.value)
        }
    }

    private static func hash(_ number: Int64) -> UInt64 { mixed(UInt64(bitPattern: number) ^ 0x5851_F42D_4C95_7F2D) }

    private static func hash(_ number: Decimal128) -> UInt64 { mixed(mixed(number.high) ^ number.low) }

    private static func hash(_ document: RawDocument) -> UInt64 {
        var result: UInt64 = 0x9E37_79B9_7F4A_7C15
        var walker = document.makeWalker()
        while let element = try? walker.next() {
            result = mixed(result ^ stableHash(element.key))
            let whole = element.type == .decimal128 ? element.decimal128?.integer : nil
            result = mixed(result &+ (whole.map(hash) ?? hash(element)))
        }
        return result
    }

    /// Whether one key precedes another of the same kind.
    static func precedes(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.objectID(let left), .objectID(let right)): left < right
        case (.int64(let left), .int64(let right)): left < right
        case (.string(let left), .string(let right)): left.precedes(right)
        case (.binary(_, let left), .binary(_, let right)): left.lexicographicallyPrecedes(right)
        case (.document(let left), .document(let right)): left.bytes.lexicographicallyPrecedes(right.bytes)
        case (.date(let left), .date(let right)): left < right
        // Any order will do if it is always the same.
        case (.decimal128(let left), .decimal128(let right)): (left.high, left.low) < (right.high, right.low)
        default: false
        }
    }
}

/// A value that can be a key, represented by its kind and hash.
struct HashedKey {
    let kind: IDClass
    /// As computed by ``IDClass/hash(_:)``.
    let hash: UInt64

    /// Nil for values that nobody uses as keys.
    init?(_ element: RawElement) {
        guard let kind = IDClass(element) else { return nil }
        self.kind = kind
        hash = IDClass.hash(element)
    }
}
