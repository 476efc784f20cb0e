/// The 12 bytes of an ObjectId.
@frozen public struct ObjectID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The first 8 bytes, big-endian, so that comparing numbers compares bytes.
    public let high: UInt64
    /// The last 4 bytes, big-endian.
    public let low: UInt32

    @inlinable public init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }

    /// Reads 12 bytes; the caller guarantees that they exist.
    @inlinable public init(loading pointer: UnsafeRawPointer) {
        high = UInt64(bigEndian: pointer.loadUnaligned(as: UInt64.self))
        low = UInt32(bigEndian: pointer.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// An ObjectId from its 24 hexadecimal digits, upper or lower case; nil for anything else.
    public init?(hex: String) {
        var hex = hex
        guard let parsed = hex.withUTF8({ ObjectID(hex: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = parsed
    }

    /// An ObjectId from 24 bytes of ASCII hexadecimal digits; nil for anything else.
    public init?(hex: UnsafeRawBufferPointer) {
        guard hex.count == 24 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<24 {
            guard let digit = HexDigit.value(hex[index]).map(UInt64.init) else { return nil }
            if index < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
        }
        self.init(high: high, low: UInt32(low))
    }

    @inlinable public static func < (left: ObjectID, right: ObjectID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// 24 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 24) { buffer in
            for index in 0..<16 { buffer[index] = digits[Int(high >> UInt64(60 - 4 * index) & 15)] }
            for index in 0..<8 { buffer[16 + index] = digits[Int(low >> UInt32(28 - 4 * index) & 15)] }
            return 24
        }
    }
}
