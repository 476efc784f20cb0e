extension Decimal128 {
    /// Parses a number that 34 digits represent exactly, `NaN` or an infinity; nil for anything else.
    ///
    /// Source: the Decimal128 part of the BSON specifications, "From String Representation".
    public init?(_ text: UnsafeRawBufferPointer) {
        var parsing = Parsing(text)
        let sign: UInt64 = parsing.takeSign() ? 1 << 63 : 0
        if let word = parsing.takeWord() {
            switch word {
            // A sign before NaN has no canonical meaning: every parser drops it.
            case .nan: self.init(low: 0, high: Self.nanBits)
            case .infinity: self.init(low: 0, high: Self.infinityBits | sign)
            case .other: return nil
            }
            return
        }
        guard parsing.takeDigits(), parsing.takePower(), parsing.fit() else { return nil }
        let biased = UInt64(parsing.exponent + Self.bias)
        self.init(
            low: UInt64(truncatingIfNeeded: parsing.coefficient),
            high: sign | biased << 49 | UInt64(truncatingIfNeeded: parsing.coefficient >> 64))
    }

    public init?(_ text: String) {
        var text = text
        guard let number = text.withUTF8({ Decimal128(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = number
    }
}

/// Parses a number's text from front to back.
///
/// Unless stated otherwise, functions that return a Bool say whether what they took is a valid part of a number.
private struct Parsing {
    private(set) var coefficient: UInt128 = 0
    private(set) var exponent = 0

    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    /// Zeros after a nonzero digit are held back: at the end they may be dropped if 34 digits are used up.
    private var heldZeros = 0

    enum Word {
        case nan, infinity, other
    }

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }
    private mutating func advance() { place += 1 }

    /// - Returns: whether there is a minus sign.
    mutating func takeSign() -> Bool {
        guard next == 0x2D || next == 0x2B else { return false }
        defer { advance() }
        return next == 0x2D
    }

    /// Takes `NaN`, `Inf` or `Infinity`, in any case; nil if the text does not continue with an I or N.
    mutating func takeWord() -> Word? {
        guard let first = next, first | 0x20 == 0x69 || first | 0x20 == 0x6E else { return nil }
        var word: [UInt8] = []
        while let byte = next {
            word.append(byte | 0x20)
            advance()
        }
        if word.elementsEqual("nan".utf8) { return .nan }
        return word.elementsEqual("inf".utf8) || word.elementsEqual("infinity".utf8) ? .infinity : .other
    }

    /// Takes digits with or without a decimal point; false if there are none or too many.
    mutating func takeDigits() -> Bool {
        var sawDigit = false
        var sawPoint = false
        while let byte = next {
            if byte >= 0x30 && byte <= 0x39 {
                sawDigit = true
                if sawPoint { exponent -= 1 }
                guard add(byte - 0x30) else { return false }
            } else if byte == 0x2E && !sawPoint {
                sawPoint = true
            } else {
                break
            }
            advance()
        }
        return sawDigit
    }

    private mutating func add(_ digit: UInt8) -> Bool {
        if digit == 0 {
            if coefficient != 0 { heldZeros += 1 }
            return true
        }
        for _ in 0..<min(heldZeros, 40) {
            coefficient *= 10
            guard coefficient <= Decimal128.largestCoefficient else { return false }
        }
        heldZeros = 0
        coefficient = coefficient * 10 + UInt128(digit)
        return coefficient <= Decimal128.largestCoefficient
    }

    /// Takes `E` and a power of ten, if the text continues.
    mutating func takePower() -> Bool {
        guard let byte = next else { return true }
        guard byte | 0x20 == 0x65 else { return false }
        advance()
        let isNegative = takeSign()
        guard next != nil else { return false }
        var power = 0
        while let byte = next {
            guard byte >= 0x30 && byte <= 0x39 else { return false }
            power = min(power * 10 + Int(byte - 0x30), 1_000_000)
            advance()
        }
        exponent += isNegative ? -power : power
        return true
    }

    /// Brings the exponent into its range without changing the value; false if that is impossible.
    mutating func fit() -> Bool {
        exponent += heldZeros
        let lowest = -Decimal128.bias
        let highest = 6111
        guard coefficient != 0 else {
            exponent = min(max(exponent, lowest), highest)
            return true
        }
        // The zeros are part of the number's precision: restore as many as fit.
        while heldZeros > 0, coefficient * 10 <= Decimal128.largestCoefficient {
            coefficient *= 10
            exponent -= 1
            heldZeros -= 1
        }
        while exponent > highest, coefficient * 10 <= Decimal128.largestCoefficient {
            coefficient *= 10
            exponent -= 1
        }
        while exponent < lowest, coefficient % 10 == 0 {
            coefficient /= 10
            exponent += 1
        }
        return exponent >= lowest && exponent <= highest
    }
}
