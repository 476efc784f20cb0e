/// One element of a ``RawDocument``: its type, its name and the bytes of its value.
@frozen public struct RawElement {
    public let type: ElementType
    /// The name, without its terminating zero; any bytes but zero, UTF-8 by convention.
    public let key: UnsafeRawBufferPointer
    public let value: UnsafeRawBufferPointer

    @inlinable init(type: ElementType, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        self.type = type
        self.key = key
        self.value = value
    }

    /// The name as text; invalid UTF-8 shows as replacement characters.
    public var name: String { String(decoding: key, as: UTF8.self) }

    @inlinable public func keyEquals(_ name: StaticString) -> Bool {
        guard key.count == name.utf8CodeUnitCount, let start = key.baseAddress else { return false }
        for index in 0..<key.count where start.load(fromByteOffset: index, as: UInt8.self) != name.utf8Start[index] {
            return false
        }
        return true
    }

    // Each of these is nil if the element has another type.

    @inlinable public var int32: Int32? {
        type == .int32 ? Int32(littleEndian: value.loadUnaligned(as: Int32.self)) : nil
    }
    @inlinable public var int64: Int64? {
        type == .int64 ? Int64(littleEndian: value.loadUnaligned(as: Int64.self)) : nil
    }
    @inlinable public var double: Double? {
        type == .double ? Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))) : nil
    }
    @inlinable public var bool: Bool? { type == .bool ? value[0] != 0 : nil }
    @inlinable public var objectID: ObjectID? {
        guard type == .objectID, let base = value.baseAddress else { return nil }
        return ObjectID(loading: base)
    }
    /// Milliseconds since 1970.
    @inlinable public var date: Int64? {
        type == .date ? Int64(littleEndian: value.loadUnaligned(as: Int64.self)) : nil
    }
    @inlinable public var timestamp: Timestamp? {
        type == .timestamp ? Timestamp(rawValue: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))) : nil
    }
    @inlinable public var decimal128: Decimal128? {
        guard type == .decimal128 else { return nil }
        return Decimal128(
            low: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)),
            high: UInt64(littleEndian: value.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
    /// The bytes of a string, symbol or code, without its terminating zero.
    @inlinable public var stringBytes: UnsafeRawBufferPointer? {
        switch type {
        case .string, .symbol, .code: UnsafeRawBufferPointer(rebasing: value[4..<value.count - 1])
        default: nil
        }
    }
    /// The text of a string, symbol or code.
    public var string: String? { stringBytes.map { String(decoding: $0, as: UTF8.self) } }
    /// The embedded document or array.
    @inlinable public var document: RawDocument? {
        type == .document || type == .array ? try? RawDocument(value) : nil
    }
    /// Subtype and payload, the payload as stored: in the old subtype 2 with its inner length.
    @inlinable public var binary: (subtype: UInt8, payload: UnsafeRawBufferPointer)? {
        type == .binary ? (value[4], UnsafeRawBufferPointer(rebasing: value[5...])) : nil
    }
    /// An Int32, Int64 or double as Int64, if that is exact.
    public var integer: Int64? {
        switch type {
        case .int32: int32.map(Int64.init)
        case .int64: int64
        case .double: double.flatMap(Int64.init(exactly:))
        default: nil
        }
    }

    /// Whether both values have the same type and bytes.
    @inlinable public func valueEquals(_ other: RawElement) -> Bool {
        type == other.type && BSON.sameBytes(value, other.value)
    }

    /// A copy that can be kept.
    public var copy: Value { Value(self) }
}
