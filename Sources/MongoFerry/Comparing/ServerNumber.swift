import BSON

/// The value of a number whatever its type: equal if a server treats the numbers as equal.
///
/// Doubles and decimals are compared exactly, so that 0.5 equals `NumberDecimal("0.50")` and 0.1 does not equal
/// `NumberDecimal("0.1")`. All zeros are equal, and so are all NaNs. Source: the server's manual, "Comparison/Sort
/// Order".
enum ServerNumber: Hashable {
    /// An integer within the range of Int64.
    case whole(Int64)
    /// ± coefficient · 10^exponent; the coefficient has no trailing zeros and at most 34 digits.
    case decimal(isNegative: Bool, coefficient: UInt128, exponent: Int)
    /// A double that no decimal equals: an infinity, NaN, or one with more digits than a decimal has.
    case double(UInt64)

    /// Nil if the element is not a number.
    init?(_ element: RawElement) {
        switch element.type {
        case .int32: self = .whole(Int64(element.int32 ?? 0))
        case .int64: self = .whole(element.int64 ?? 0)
        case .double: self.init(element.double ?? 0)
        case .decimal128: self.init(element.decimal128 ?? Decimal128(low: 0, high: 0))
        default: return nil
        }
    }

    init(_ number: Decimal128) {
        guard let (coefficient, exponent) = number.finiteParts else {
            self = .special(number.isNaN ? .nan : number.isNegative ? -.infinity : .infinity)
            return
        }
        self.init(isNegative: number.isNegative, coefficient, exponent)
    }

    init(_ number: Double) {
        if let whole = Int64(exactly: number) {
            self = .whole(whole)
        } else {
            self = Self.exactDecimal(number) ?? .special(number)
        }
    }

    private static func special(_ number: Double) -> ServerNumber {
        .double(number.isNaN ? Double.nan.bitPattern : number.bitPattern)
    }

    private init(isNegative: Bool, _ coefficient: UInt128, _ exponent: Int) {
        var (digits, tens) = (coefficient, exponent)
        while digits != 0, digits % 10 == 0 {
            digits /= 10
            tens += 1
        }
        if let whole = Self.whole(isNegative, digits, tens) {
            self = .whole(whole)
        } else {
            self = .decimal(isNegative: isNegative, coefficient: digits, exponent: tens)
        }
    }

    private static func whole(_ isNegative: Bool, _ digits: UInt128, _ tens: Int) -> Int64? {
        if digits == 0 { return 0 }
        guard tens >= 0, tens < 19 else { return nil }
        let magnitude = (0..<tens).reduce(digits) { product, _ in
            product > UInt128(UInt64.max) ? product : product * 10
        }
        if isNegative { return magnitude <= UInt128(Int64.min.magnitude) ? Int64(0 - Int128(magnitude)) : nil }
        return Int64(exactly: magnitude)
    }

    /// The exact decimal value of a double; nil if it takes more digits than a decimal has.
    private static func exactDecimal(_ number: Double) -> ServerNumber? {
        guard number.isFinite else { return nil }
        // m · 2^e with an odd m.
        let bits = UInt128(number.significandBitPattern | (number.isNormal ? 1 << 52 : 0))
        let zeros = bits.trailingZeroBitCount
        var digits = bits >> UInt128(zeros)
        var twos = (number.isNormal ? Int(number.exponent) : -1022) - 52 + zeros
        var tens = 0
        // 2 · 5 is 10, and 1/2 is 5/10.
        while twos > 0 {
            if digits % 5 == 0 {
                digits /= 5
                tens += 1
            } else {
                digits *= 2
            }
            twos -= 1
            if digits > Self.largest { return nil }
        }
        while twos < 0 {
            digits *= 5
            tens -= 1
            twos += 1
            if digits > Self.largest { return nil }
        }
        return ServerNumber(isNegative: number < 0, digits, tens)
    }

    /// The largest coefficient of 34 digits.
    private static let largest: UInt128 = 9_999_999_999_999_999_999_999_999_999_999_999
}
