import BSON

/// How a double quote of the JSON text is written: once, or twice inside a quoted CSV field.
///
/// A type parameter, not a value: each style gets its own hot loop, without a test per quote.
protocol QuoteStyle {
    static var isDoubled: Bool { get }
}

enum PlainQuotes: QuoteStyle {
    @inline(__always) static var isDoubled: Bool { false }
}

enum DoubledQuotes: QuoteStyle {
    @inline(__always) static var isDoubled: Bool { true }
}

extension ByteWriter {
    @inline(__always) mutating func putQuote<Style: QuoteStyle>(_: Style.Type) {
        if Style.isDoubled { put(littleEndian: UInt16(0x2222)) } else { put(0x22) }
    }
}
