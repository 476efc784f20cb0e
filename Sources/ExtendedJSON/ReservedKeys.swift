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

    /// Whether some reader would take an element of that name for part of a wrapper.
    ///
    /// Version 1's names matter less: PyMongo looks for `$regex` with a string anywhere; libbson takes each of them
    /// for a wrapper, and fails on what isn't one, where it comes first.
    static func contains(_ key: UnsafeRawBufferPointer, of type: ElementType, isFirst: Bool) -> Bool {
        for name in always where same(name, key) { return true }
        if same("$regex", key) { return isFirst || type == .string }
        guard isFirst else { return false }
        if same("$type", key) { return type != .string && type != .document }
        return same("$options", key) || same("$scope", key)
    }

    static func same(_ name: StaticString, _ key: UnsafeRawBufferPointer) -> Bool {
        guard name.utf8CodeUnitCount == key.count else { return false }
        for index in 0..<key.count where key[index] != name.utf8Start[index] { return false }
        return true
    }
}
