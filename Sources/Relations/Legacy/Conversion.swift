import BSON

/// The result of applying a rule to one value.
enum Conversion {
    /// The value already has the type, or is null.
    case keep
    /// The value cannot be converted.
    case impossible
    case objectID(ObjectID)
    case date(Int64)
    case decimal(Decimal128)
    case int32(Int32)
    case int64(Int64)
    case double(Double)
    case bool(Bool)
    case binary(subtype: UInt8, [UInt8])

    /// Nothing is rounded, truncated or guessed: what cannot be converted exactly is `impossible`, except for a large
    /// double as JavaScript writes it.
    /// - Parameter isDemanded: whether the configuration demands the type. Otherwise only what JSON.stringify does to
    ///   values of the type is undone: a number in a string was a string before, unless it is a Long that no double
    ///   holds.
    init(_ element: RawElement, to type: FieldType, isDemanded: Bool, binarySubtype: UInt8) {
        if element.type == .null || element.type == .undefined || FieldType(of: element) == type {
            self = .keep
            return
        }
        let converted: Conversion? =
            switch type {
            case .objectId: element.stringBytes.flatMap(ObjectID.init(hex:)).map(Conversion.objectID)
            case .date: Self.date(element, isDemanded: isDemanded).map(Conversion.date)
            case .decimal: Self.decimal(element, isDemanded: isDemanded).map(Conversion.decimal)
            case .int: Self.integer(element, isDemanded: isDemanded).flatMap(Int32.init(exactly:)).map(Conversion.int32)
            case .long: Self.integer(element, isDemanded: isDemanded).map(Conversion.int64)
            case .double: Self.double(element, isDemanded: isDemanded).map(Conversion.double)
            case .bool: isDemanded ? Self.bool(element).map(Conversion.bool) : nil
            case .uuid: Self.uuid(element).map { Conversion.binary(subtype: 4, $0) }
            case .binary: element.type == .binary ? .keep : Self.binary(element, binarySubtype)
            case .string: nil
            }
        self = converted ?? .impossible
    }

    /// Writes the converted element; nothing for `keep` and `impossible`.
    func write(key: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        // The largest value of a fixed size is a UUID with its length and subtype.
        writer.reserve(key.count + 2 + 21)
        switch self {
        case .keep, .impossible: break
        case .objectID(let id):
            begin(.objectID, key, &writer)
            writer.put(littleEndian: id.high.byteSwapped)
            writer.put(littleEndian: id.low.byteSwapped)
        case .date(let milliseconds):
            begin(.date, key, &writer)
            writer.put(littleEndian: milliseconds)
        case .decimal(let number):
            begin(.decimal128, key, &writer)
            writer.put(littleEndian: number.low)
            writer.put(littleEndian: number.high)
        case .int32(let number):
            begin(.int32, key, &writer)
            writer.put(littleEndian: number)
        case .int64(let number):
            begin(.int64, key, &writer)
            writer.put(littleEndian: number)
        case .double(let number):
            begin(.double, key, &writer)
            writer.put(littleEndian: number.bitPattern)
        case .bool(let flag):
            begin(.bool, key, &writer)
            writer.put(flag ? 1 : 0)
        case .binary(let subtype, let payload):
            writer.reserve(key.count + 7 + payload.count)
            begin(.binary, key, &writer)
            writer.put(littleEndian: Int32(payload.count))
            writer.put(subtype)
            payload.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { writer.put(copying: base, count: bytes.count) }
            }
        }
    }

    private func begin(_ type: ElementType, _ key: UnsafeRawBufferPointer, _ writer: inout ByteWriter) {
        writer.put(type.rawValue)
        if let base = key.baseAddress { writer.put(copying: base, count: key.count) }
        writer.put(0)
    }
}

extension FieldType {
    /// What a value must be to be converted.
    var expectation: String {
        switch self {
        case .objectId: "24 hexadecimal digits"
        case .date: "an ISO 8601 date with its offset, no finer than milliseconds, or whole milliseconds since 1970"
        case .decimal: "a number of at most 34 digits"
        case .int: "a whole number between -2147483648 and 2147483647"
        case .long: "a whole number of 64 bits"
        case .double: "a number that a double holds exactly, or as JavaScript writes it"
        case .bool: "true or false"
        case .uuid: "the 36 characters of a UUID, or its 16 bytes in base64 or as a Buffer"
        case .binary: "base64 text or {\"type\":\"Buffer\",\"data\":[…]}"
        case .string: "a value in quotes"
        }
    }
}
