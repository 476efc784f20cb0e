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
        /// It may make a DBRef of its document: see ``isLeftAlone(_:)``.
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

    /// Whether PyMongo leaves a document with a field `$ref` as it is. If it has a field `$id`, too, PyMongo makes a DBRef
    /// of it: with `$ref`, `$id` and `$db` in front, without a `$db` that is null, and not at all if another field has
    /// the name of a parameter of its class.
    static func isLeftAlone(_ document: RawDocument) -> Bool {
        var walker = document.makeWalker()
        var (place, isReference, isOrdered) = (0, false, true)
        while let field = (try? walker.next()) ?? nil {
            defer { place += 1 }
            let key = field.key
            if same("$ref", key) {
                isOrdered = isOrdered && place == 0
            } else if same("$id", key) {
                isReference = true
                isOrdered = isOrdered && place == 1
            } else if same("$db", key) {
                isOrdered = isOrdered && place == 2 && field.type != .null
            } else if parameters.contains(where: { same($0, key) }) {
                isOrdered = false
            }
        }
        return isOrdered || !isReference
    }

    /// Of PyMongo's `DBRef`.
    private static let parameters: [StaticString] = ["collection", "id", "database", "self", "_extra"]

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
