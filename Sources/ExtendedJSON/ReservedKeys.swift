import BSON

/// Names that an Extended JSON parser gives a meaning of their own.
///
/// A stored document that uses one as an ordinary name cannot be written plainly: some reader would take it for a
/// wrapper. Source: Extended JSON v2, "Parsers", and what libbson and PyMongo do with the names of version 1.
enum ReservedKeys {
    private static let always: [StaticString] = [
        "$oid", "$symbol", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$binary", "$code",
        "$timestamp", "$regularExpression", "$dbPointer", "$date", "$minKey", "$maxKey", "$undefined", "$uuid",
        "$rawBSON",
    ]

    /// What a writer has to do about an element of a name that begins with `$`.
    enum Meaning {
        case none
        /// Some reader would take the element for part of a wrapper, or fail on it.
        case reserved
        /// Bare numbers must not stand in it, wrapped ones may.
        case wrapsNumbers
    }

    /// Version 1's names matter less than the others: PyMongo looks for `$regex` with what is text to Python anywhere;
    /// libbson takes each of them for a wrapper, and fails on what isn't one, where it comes first. `{"$type": 2}` is
    /// the specification's own example of a query operator that has to pass: libbson does read it in canonical form.
    /// - Parameter value: the value's bytes, to the end of the document.
    static func meaning(
        of key: UnsafeRawBufferPointer, type: ElementType, value: UnsafeRawBufferPointer, isFirst: Bool
    ) -> Meaning {
        for name in always where same(name, key) { return .reserved }
        if same("$regex", key) {
            if isFirst { return .reserved }
            switch type {
            case .string, .symbol, .code, .codeWithScope, .binary: return .reserved
            default: return .none
            }
        }
        guard isFirst else { return .none }
        if same("$type", key) {
            switch type {
            case .int32, .int64, .double: return .wrapsNumbers
            case .array, .bool, .null: return .reserved
            case .string: return startsAsHexadecimal(value.dropFirst(4)) ? .reserved : .none
            default: return .none
            }
        }
        return same("$options", key) || same("$scope", key) ? .reserved : .none
    }

    /// Whether C's `scanf` finds a hexadecimal number in front, as "array" and "date" have one: for libbson that is
    /// a binary subtype of version 1, and it waits for `$binary`.
    private static func startsAsHexadecimal(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
        var rest = text.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        guard let first = rest.first else { return false }
        return (0x30...0x39).contains(first) || (0x61...0x66).contains(first | 0x20)
    }

    static func same(_ name: StaticString, _ key: UnsafeRawBufferPointer) -> Bool {
        guard name.utf8CodeUnitCount == key.count else { return false }
        for index in 0..<key.count where key[index] != name.utf8Start[index] { return false }
        return true
    }
}
