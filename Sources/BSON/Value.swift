/// A BSON value, copied out of its document.
///
/// Values are equal if their types and bytes are: a NaN equals itself, and strings that only look alike are different.
public enum Value: Sendable {
    case double(Double)
    case string(String)
    case document(Document)
    /// A document with the names "0", "1" and so on.
    case array(Document)
    case binary(subtype: UInt8, [UInt8])
    case objectID(ObjectID)
    case bool(Bool)
    /// Milliseconds since 1970.
    case date(Int64)
    case null
    case int32(Int32)
    case timestamp(Timestamp)
    case int64(Int64)
    case decimal128(Decimal128)
    case minKey
    case maxKey
    /// A deprecated type, a regular expression or code, or a string that is not UTF-8: its type and its bytes.
    case other(ElementType, [UInt8])

    public init(_ element: RawElement) {
        switch element.type {
        case .double: self = .double(element.double ?? 0)
        case .string:
            let bytes = element.stringBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
            if let text = String(validating: bytes, as: UTF8.self) {
                self = .string(text)
            } else {
                self = .other(.string, [UInt8](element.value))
            }
        case .document, .array:
            guard let raw = element.document else {
                self = .other(element.type, [UInt8](element.value))
                return
            }
            self = element.type == .array ? .array(Document(copying: raw)) : .document(Document(copying: raw))
        case .binary: self = .binary(subtype: element.value[4], [UInt8](element.value[5...]))
        case .objectID: self = .objectID(element.objectID ?? ObjectID(high: 0, low: 0))
        case .bool: self = .bool(element.value[0] != 0)
        case .date: self = .date(element.date ?? 0)
        case .null: self = .null
        case .int32: self = .int32(element.int32 ?? 0)
        case .timestamp: self = .timestamp(element.timestamp ?? Timestamp(rawValue: 0))
        case .int64: self = .int64(element.int64 ?? 0)
        case .decimal128: self = .decimal128(element.decimal128 ?? Decimal128(low: 0, high: 0))
        case .minKey: self = .minKey
        case .maxKey: self = .maxKey
        case .undefined, .regularExpression, .dbPointer, .code, .symbol, .codeWithScope:
            self = .other(element.type, [UInt8](element.value))
        }
    }

    public var type: ElementType {
        switch self {
        case .double: .double
        case .string: .string
        case .document: .document
        case .array: .array
        case .binary: .binary
        case .objectID: .objectID
        case .bool: .bool
        case .date: .date
        case .null: .null
        case .int32: .int32
        case .timestamp: .timestamp
        case .int64: .int64
        case .decimal128: .decimal128
        case .minKey: .minKey
        case .maxKey: .maxKey
        case .other(let type, _): type
        }
    }

    /// Appends the bytes of the value as in a document.
    public func appendBytes(to bytes: inout [UInt8]) {
        switch self {
        case .double(let number): bytes.appendLittleEndian(number.bitPattern)
        case .string(let text):
            bytes.appendLittleEndian(Int32(text.utf8.count + 1))
            bytes.append(contentsOf: text.utf8)
            bytes.append(0)
        case .document(let document), .array(let document): bytes.append(contentsOf: document.bytes)
        case .binary(let subtype, let payload):
            bytes.appendLittleEndian(Int32(payload.count))
            bytes.append(subtype)
            bytes.append(contentsOf: payload)
        case .objectID(let id):
            Swift.withUnsafeBytes(of: id.high.bigEndian) { bytes.append(contentsOf: $0) }
            Swift.withUnsafeBytes(of: id.low.bigEndian) { bytes.append(contentsOf: $0) }
        case .bool(let flag): bytes.append(flag ? 1 : 0)
        case .date(let milliseconds): bytes.appendLittleEndian(milliseconds)
        case .null, .minKey, .maxKey: break
        case .int32(let number): bytes.appendLittleEndian(number)
        case .timestamp(let timestamp): bytes.appendLittleEndian(timestamp.rawValue)
        case .int64(let number): bytes.appendLittleEndian(number)
        case .decimal128(let number):
            bytes.appendLittleEndian(number.low)
            bytes.appendLittleEndian(number.high)
        case .other(_, let raw): bytes.append(contentsOf: raw)
        }
    }

    /// An array of these values.
    // Inlined, since arrays of many thousand ids are made from other modules' sequences.
    @inlinable public static func array(_ values: some Sequence<Value>) -> Value {
        var builder = DocumentBuilder()
        var index = 0
        for value in values {
            builder.append(String(index), value)
            index += 1
        }
        return .array(builder.finish())
    }

    /// A number as the smallest integer type that holds it, so that Extended JSON writes it as a bare number.
    package static func number(_ number: Int) -> Value {
        Int32(exactly: number).map { .int32($0) } ?? .int64(Int64(number))
    }

    // Each of these is nil if the value has another type.

    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    public var objectID: ObjectID? { if case .objectID(let id) = self { id } else { nil } }
    public var timestamp: Timestamp? { if case .timestamp(let timestamp) = self { timestamp } else { nil } }
    /// An embedded document, or an array as a document.
    public var document: Document? {
        switch self {
        case .document(let document), .array(let document): document
        default: nil
        }
    }
    /// Whether a flag is on, as servers read one: true, or a number other than 0.
    public var isOn: Bool {
        switch self {
        case .bool(let flag): flag
        case .int32(let number): number != 0
        case .int64(let number): number != 0
        case .double(let number): number != 0
        default: false
        }
    }
    /// The elements of an array.
    public var array: [Value]? { if case .array(let document) = self { document.elements.map(\.value) } else { nil } }
    /// An Int32, Int64 or double, if it is an integer in the range of Int.
    public var integer: Int? {
        switch self {
        case .int32(let number): Int(number)
        case .int64(let number): Int(exactly: number)
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByFloatLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int32) { self = .int32(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, Value)...) {
        var builder = DocumentBuilder()
        for (key, value) in elements { builder.append(key, value) }
        self = .document(builder.finish())
    }
}

extension Value: Hashable {
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
        case (.string(var left), .string(var right)):
            left.withUTF8 { left in
                right.withUTF8 { sameBytes(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer($0)) }
            }
        case (.document(let left), .document(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.binary(let leftType, let left), .binary(let rightType, let right)):
            leftType == rightType && left == right
        case (.objectID(let left), .objectID(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.date(let left), .date(let right)): left == right
        case (.int32(let left), .int32(let right)): left == right
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.int64(let left), .int64(let right)): left == right
        case (.decimal128(let left), .decimal128(let right)): left == right
        case (.other(let leftType, let left), .other(let rightType, let right)):
            leftType == rightType && left == right
        case (.null, .null), (.minKey, .minKey), (.maxKey, .maxKey): true
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        switch self {
        case .double(let number): hasher.combine(number.bitPattern)
        case .string(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        case .document(let document), .array(let document): hasher.combine(document)
        case .binary(_, let bytes), .other(_, let bytes): hasher.combine(bytes)
        case .objectID(let id): hasher.combine(id)
        case .bool(let flag): hasher.combine(flag)
        case .date(let number), .int64(let number): hasher.combine(number)
        case .int32(let number): hasher.combine(number)
        case .timestamp(let time): hasher.combine(time)
        case .decimal128(let number): hasher.combine(number)
        case .null, .minKey, .maxKey: break
        }
    }
}
