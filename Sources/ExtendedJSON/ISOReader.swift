/// Reads the parts of a text that denotes a point in time, one after the other; nil for a part that is malformed.
package struct ISOReader {
    private let text: UnsafeRawBufferPointer
    private var at = 0

    package init(_ text: UnsafeRawBufferPointer) { self.text = text }

    package var isAtEnd: Bool { at == text.count }

    package mutating func take(_ byte: UInt8) -> Bool {
        guard at < text.count, text[at] == byte else { return false }
        at += 1
        return true
    }

    package mutating func digits(_ count: Int) -> Int? {
        guard at + count <= text.count else { return nil }
        var number = 0
        for index in at..<at + count {
            guard (0x30...0x39).contains(text[index]) else { return nil }
            number = number * 10 + Int(text[index] & 15)
        }
        at += count
        return number
    }

    /// Four digits; or a sign and six digits, as JavaScript writes years beyond four.
    package mutating func year() -> Int? {
        if take(0x2B) { return digits(6) }
        if take(0x2D) { return digits(6).flatMap { $0 == 0 ? nil : -$0 } }
        return digits(4)
    }

    /// The fraction whose digits follow the point, in milliseconds; nil also if digits beyond these are not zero.
    package mutating func fraction() -> Int? {
        var milliseconds = 0
        var weight = 100
        let start = at
        while at < text.count, let digit = digits(1) {
            if weight == 0 && digit != 0 { return nil }
            milliseconds += digit * weight
            weight /= 10
        }
        return at > start ? milliseconds : nil
    }

    /// The offset from UTC, `Z`, `+0200` or `+02:00`, in minutes.
    /// - Parameter isBrief: whether `z` and `+02` are also accepted.
    package mutating func offset(isBrief: Bool = false) -> Int? {
        if take(0x5A) || isBrief && take(0x7A) { return 0 }
        let sign = take(0x2B) ? 1 : take(0x2D) ? -1 : 0
        guard sign != 0, let hours = digits(2), hours < 24 else { return nil }
        if isBrief, isAtEnd { return sign * hours * 60 }
        _ = take(0x3A)
        guard let minutes = digits(2), minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
