import ExtendedJSON
import Foundation
import Testing

/// Dates in the two usual forms are read eight characters at a time, all others one by one: the results must be equal.
@Suite struct DateTests {
    private static func parse(_ bytes: [UInt8]) -> Int64? { bytes.withUnsafeBytes(ISODate.parse) }

    /// Whether a time reads the same with `Z` and with `+00:00`, which is not one of the usual forms.
    private static func isReadTheSame(_ time: [UInt8]) -> Bool {
        parse(time + [UInt8(ascii: "Z")]) == parse(time + Array("+00:00".utf8))
    }

    @Test(arguments: [
        "2026-11-23T20:04:45", "2024-02-29T23:59:59.007", "1970-01-01T00:00:00", "9999-12-31T23:59:59.999",
    ])
    func everyByteInEveryPlaceIsReadAsOneByOne(_ text: String) throws {
        let time = Array(text.utf8)
        #expect(Self.parse(time + [UInt8(ascii: "Z")]) != nil)
        var accepted = 0
        for place in time.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = time
                changed[place] = byte
                try #require(Self.isReadTheSame(changed), "byte \(byte) at \(place)")
                if Self.parse(changed + [UInt8(ascii: "Z")]) != nil { accepted += 1 }
                changed = time + [UInt8(ascii: "Z")]
                changed[changed.count - 1] = byte
                if byte != UInt8(ascii: "Z") { #expect(Self.parse(changed) == nil, "byte \(byte) at the end") }
            }
        }
        // Each place accepts at least its own byte and at most the ten digits.
        #expect(accepted >= time.count && accepted <= 10 * time.count)
    }

    @Test func everyPairOfDigitsIsReadAsOneByOne() throws {
        let text = Array("2023-02-28T12:30:30.500".utf8)
        for place in [0, 2, 5, 8, 11, 14, 17, 20, 21] {
            for number in 0..<100 {
                for length in [19, 23] where place < length {
                    var changed = Array(text.prefix(length))
                    changed[place] = 0x30 + UInt8(number / 10)
                    changed[place + 1] = 0x30 + UInt8(number % 10)
                    try #require(Self.isReadTheSame(changed), "\(String(decoding: changed, as: UTF8.self))")
                }
            }
        }
    }

    /// A BSON date would lose it.
    @Test(arguments: [
        (".1234Z", nil), (".1234567Z", nil), (".123001+02:00", nil), (".123000Z", 123), (".5Z", 500),
    ]) func aFractionFinerThanAMillisecondIsTakenWhereItIsZero(_ end: String, _ milliseconds: Int64?) {
        #expect(Self.parse(Array("1970-01-01T00:00:00\(end)".utf8)) == milliseconds)
    }

    @Test func aDateIsWhatFoundationSaysOfIt() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let milliseconds = Int64.random(in: ISODate.range, using: &generator)
            let text = ISODate.text(milliseconds: milliseconds)
            #expect(Self.parse(Array(text.utf8)) == milliseconds, "\(text)")
            let date = Date(timeIntervalSince1970: Double(milliseconds / 1000))
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
            let numbers = [parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second].compactMap { $0 }
            #expect(text.prefix(19).split { !$0.isNumber }.compactMap { Int($0) } == numbers, "\(text)")
        }
    }
}
