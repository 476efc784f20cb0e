/// An IEEE 754-2008 decimal of 34 digits in its binary integer encoding, kept as its bits.
///
/// Equality compares bits: 1.0 and 1.00 differ, as they do in the database.
/// Source: the BSON Decimal128 specification, "to string" and "from string".
@frozen public struct Decimal128: Hashable, Sendable {
    public let low: UInt64
    public let high: UInt64

    @inlinable public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    static let bias = 6176
    private static let largestExponent = 6111
    static let largestCoefficient: UInt128 = 9_999_999_999_999_999_999_999_999_999_999_999
    static let infinityBits: UInt64 = 0x7800_0000_0000_0000
    static let nanBits: UInt64 = 0x7C00_0000_0000_0000

    /// The maximum number of bytes that ``write(to:)`` writes: sign, 34 digits, point, leading zeros or exponent.
    package static let maximumTextLength = 48

    public var isNegative: Bool { high >> 63 == 1 }
    public var isNaN: Bool { high & Self.nanBits == Self.nanBits }
    var isInfinite: Bool { high & Self.nanBits == Self.infinityBits }

    /// Whether the text form parses back to the same bits.
    ///
    /// It does not for a NaN with a sign or payload, an infinity with stray bits or a coefficient of more than 34
    /// digits.
    public var isCanonical: Bool {
        if isNaN { return high == Self.nanBits && low == 0 }
        if isInfinite { return high & (1 << 63 - 1) == Self.infinityBits && low == 0 }
        return high >> 61 & 3 != 3 && coefficient <= Self.largestCoefficient
    }

    /// The bits after the exponent; meaningful only in the encoding's short form, which every canonical number has.
    var coefficient: UInt128 { UInt128(high & 0x1_FFFF_FFFF_FFFF) << 64 | UInt128(low) }

    /// The coefficient and power of ten of a finite number, otherwise nil; a coefficient out of range counts as zero,
    /// as the standard requires.
    public var finiteParts: (coefficient: UInt128, exponent: Int)? {
        if isNaN || isInfinite { return nil }
        if high >> 61 & 3 == 3 { return (0, Int(high >> 47 & 0x3FFF) - Self.bias) }
        let value = coefficient
        return (value > Self.largestCoefficient ? 0 : value, Int(high >> 49 & 0x3FFF) - Self.bias)
    }

    /// The number as Int64, if that is exact.
    public var integer: Int64? {
        guard var (coefficient, exponent) = finiteParts else { return nil }
        if coefficient == 0 { return 0 }
        while exponent < 0, coefficient % 10 == 0 {
            coefficient /= 10
            exponent += 1
        }
        while exponent > 0, coefficient <= UInt128(Int64.max) {
            coefficient *= 10
            exponent -= 1
        }
        guard exponent == 0 else { return nil }
        return Int64(exactly: isNegative ? -Int128(coefficient) : Int128(coefficient))
    }

    /// The same number without zeros at its end, and without a sign if it is zero: equal numbers have equal bits then.
    /// What is not finite stays as it is.
    public var reduced: Decimal128 {
        guard var (coefficient, exponent) = finiteParts else { return self }
        if coefficient == 0 { return Decimal128(low: 0, high: UInt64(Self.bias) << 49) }
        while coefficient % 10 == 0, exponent < Self.largestExponent {
            coefficient /= 10
            exponent += 1
        }
        return Decimal128(
            low: UInt64(truncatingIfNeeded: coefficient),
            high: high & 1 << 63 | UInt64(exponent + Self.bias) << 49 | UInt64(truncatingIfNeeded: coefficient >> 64))
    }

    /// Writes the text form.
    /// - Parameter out: must have room for ``maximumTextLength`` bytes.
    /// - Returns: the number of bytes written.
    public func write(to out: UnsafeMutablePointer<UInt8>) -> Int {
        var text = DecimalText(next: out)
        if isNaN {
            text.put("NaN")
        } else {
            if isNegative { text.put(0x2D) }
            if let (coefficient, exponent) = finiteParts {
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { digits in
                    text.put(UnsafeBufferPointer(Self.digits(of: coefficient, in: digits)), exponent: exponent)
                }
            } else {
                text.put("Infinity")
            }
        }
        return text.next - out
    }

    /// The decimal digits of a coefficient, the last one first; at least one.
    private static func digits(
        of coefficient: UInt128, in room: UnsafeMutableBufferPointer<UInt8>
    ) -> UnsafeMutableBufferPointer<UInt8> {
        var length = 0
        // Two halves of 17 digits: dividing 64-bit numbers is many times faster than 128-bit ones.
        let half: UInt128 = 100_000_000_000_000_000
        var lower = UInt64(truncatingIfNeeded: coefficient)
        var upper: UInt64 = 0
        if coefficient >= half {
            let parts = coefficient.quotientAndRemainder(dividingBy: half)
            lower = UInt64(parts.remainder)
            upper = UInt64(parts.quotient)
        }
        while lower != 0 || (upper != 0 && length < 17) {
            room[length] = 0x30 + UInt8(lower % 10)
            lower /= 10
            length += 1
        }
        while upper != 0 {
            room[length] = 0x30 + UInt8(upper % 10)
            upper /= 10
            length += 1
        }
        if length == 0 {
            room[0] = 0x30
            length = 1
        }
        return UnsafeMutableBufferPointer(rebasing: room[..<length])
    }
}

extension Decimal128: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: Self.maximumTextLength) { buffer in
            buffer.baseAddress.map(write(to:)) ?? 0
        }
    }
}

/// Writes the text of a number, byte by byte.
///
/// Source: the Decimal128 part of the BSON specifications, "To String Representation".
private struct DecimalText {
    var next: UnsafeMutablePointer<UInt8>

    mutating func put(_ byte: UInt8) {
        next.pointee = byte
        next += 1
    }

    mutating func put(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { put(text.utf8Start[index]) }
    }

    /// - Parameter digits: the last one first.
    mutating func put(_ digits: UnsafeBufferPointer<UInt8>, exponent: Int) {
        let length = digits.count
        let scientific = length - 1 + exponent
        if exponent > 0 || scientific < -6 {
            put(digits[length - 1])
            if length > 1 {
                put(0x2E)
                for digit in digits.dropLast().reversed() { put(digit) }
            }
            put(0x45)
            put(scientific < 0 ? 0x2D : 0x2B)
            putPower(UInt(abs(scientific)))
            return
        }
        // The point comes after, within or before the digits.
        let point = length + exponent
        if point <= 0 {
            put("0.")
            for _ in point..<0 { put(0x30) }
        }
        for index in stride(from: length - 1, through: 0, by: -1) {
            if exponent < 0, point > 0, length - 1 - index == point { put(0x2E) }
            put(digits[index])
        }
    }

    private mutating func putPower(_ power: UInt) {
        if power >= 10 { putPower(power / 10) }
        put(0x30 + UInt8(power % 10))
    }
}
