import BSON

/// The names to which Extended JSON parsers give a special meaning.
///
/// A stored document that uses one as an ordinary name cannot be written plainly, since some reader would take it for a
/// wrapper. Source: Extended JSON v2, "Parsers", and how libbson and PyMongo treat the names of version 1.
enum ReservedKeys {
    private static let always: [StaticString] = [
        "$oid", "$symbol", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$binary", "$code",
        "$timestamp", "$regularExpression", "$dbPointer", "$date", "$minKey", "$maxKey", "$undefined", "$uuid",
        "$rawBSON",
    ]

    /// What a writer must do about an element whose name begins with `$`.
    enum Meaning {
        case none
        /// Some reader would take the element for part of a wrapper, or fail on it.
        case reserved
        /// Its value must not be a bare number, but may be a wrapped one.
        case wrapsNumbers
        /// It may make a DBRef of its document: see ``isInReadersOrder(_:)``.
        case reference
    }

    /// The meaning of an element. Version 1's names are reserved less strictly: PyMongo recognizes `$regex` anywhere if
    /// its value is a string to Python; libbson takes each of them for a wrapper if it comes first, and fails if it is
    /// not one. `{"$type": 2}` is the specification's own example of a query operator that must pass: libbson does read
    /// it in canonical form.
    /// - Parameter value: the bytes from the value to the end of the document.
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
        if same("$ref", key) { return .reference }
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

    /// Whether a document with a field `$ref` has its fields in the order in which PyMongo puts those of a DBRef:
    /// `$ref`, `$id`, `$db`, and then the others. Without `$id` it is no DBRef.
    static func isInReadersOrder(_ document: RawDocument) -> Bool {
        let names = Document(copying: document).keys
        guard names.contains("$id") else { return true }
        return names.starts(with: ["$ref", "$id"]) && (!names.contains("$db") || names[2] == "$db")
    }

    /// Whether C's `scanf` finds a hexadecimal number at the beginning, as in "array" and "date": libbson takes that
    /// for a binary subtype of version 1 and expects `$binary`.
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
