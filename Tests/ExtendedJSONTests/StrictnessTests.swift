import BSON
import Testing

@testable import ExtendedJSON

/// Text that is only nearly right is refused, and documents that nearly look like wrappers are escaped.
@Suite struct StrictnessTests {
    @Test func aLongBelowADoublesRangeIsWrapped() {
        #expect(Codec.encode(["a": .int64(-(1 << 53) - 1)]).text == #"{"a":{"$numberLong":"-9007199254740993"}}"#)
    }

    @Test func anyOfManyNamesMayBeTheRepeatedOne() {
        let names = (0..<60).map { "n\($0)" }
        for name in names {
            let document = Document { for n in names + [name] { $0.append(n, 1) } }
            #expect(Codec.encode(document).outcome == .escaped)
        }
    }

    @Test func codeIsNoPattern() {
        let inner: [UInt8] = [2, 0, 0, 0, 0x66, 0, 5, 0, 0, 0, 0]
        #expect(Codec.encode(["a": 1, "$regex": .other(.codeWithScope, [15, 0, 0, 0] + inner)]).outcome == .escaped)
    }

    @Test func aReferenceWithMoreIsEscaped() {
        #expect(Codec.encode(["r": ["$ref": "c", "$id": 1, "_extra": 1]]).outcome == .escaped)
    }

    @Test func aTypeWithASignIsEscaped() { #expect(Codec.encode(["q": ["$type": "-1"]]).outcome == .escaped) }

    @Test(arguments: ["24:00:00Z", "23:59:60Z", "00:00:00+24:00", "00:00:00+01:60", "24:00:00.000Z"])
    func timesThatNoClockShowsAreRefused(_ time: String) {
        #expect(throws: JSONFault.self) { try Codec.decode(#"{"d":{"$date":"2026-11-23T\#(time)"}}"#) }
    }

    @Test func theYearZeroHasNoSign() {
        #expect(throws: JSONFault.self) { try Codec.decode(#"{"d":{"$date":"-000000-01-01T00:00:00Z"}}"#) }
    }

    @Test func numbersBeyond64BitsAreTheNearestDoubles() throws {
        for text in ["1.8446744073709551617", "18446744073709551617.0", "3.6893488147419103233e1"] {
            #expect(try Codec.decode("{\"a\":\(text)}")["a"] == .double(try #require(Double(text))))
        }
    }

    @Test func aHighSurrogateNeedsALowOne() {
        #expect(throws: JSONFault.self) { try Codec.decode(#"{"a":"\ud800\ue000"}"#) }
    }

    @Test func membersCountForTheLargestDocument() {
        let text = Array(("{" + (0..<1000).map { "\"\($0)\":0" }.joined(separator: ",") + "}").utf8)
        #expect(throws: JSONFault.self) {
            try text.withUnsafeBytes {
                _ = try ExtendedJSONDecoder(quotes: .plain, maximumDocument: 100).decode($0, into: ByteBuffer())
            }
        }
    }

    private func traits(_ text: String) throws -> ExtendedJSONDecoder.Traits {
        try Array(text.utf8).withUnsafeBytes { try ExtendedJSONDecoder(quotes: .plain).decode($0, into: ByteBuffer()) }
    }

    @Test func onlyASecondIDOfTheDocumentItselfCounts() throws {
        #expect(try !traits(#"{"_id":1,"a":{"_id":2}}"#).contains(.secondID))
        #expect(try traits(#"{"_id":1,"_id":2}"#).contains(.secondID))
    }

    @Test func anOldRegularExpressionIsNoted() throws {
        #expect(try traits(#"{"a":{"$regex":"x","$options":"i"}}"#).contains(.legacyRegularExpression))
    }

    @Test(arguments: ["18446744073709551616", "-9223372036854775809", "9223372036854775808"])
    func aLongOutOfRangeIsRefused(_ number: String) {
        #expect(throws: JSONFault.self) { try Codec.decode(#"{"a":{"$numberLong":"\#(number)"}}"#) }
    }

    @Test func aSubtypeHasNoSign() {
        #expect(throws: JSONFault.self) { try Codec.decode(#"{"a":{"$binary":{"base64":"","subType":"+1"}}}"#) }
    }

    @Test func scopesBesideEachOtherAreNotNested() throws {
        let one = #"{"$scope":{},"$code":"f"}"#
        _ = try Codec.decode("{\"a\":[" + [String](repeating: one, count: 600).joined(separator: ",") + "]}")
    }

    @Test func aUUIDHasItsHyphens() {
        #expect(throws: JSONFault.self) { try Codec.decode(#"{"a":{"$uuid":"00112233x4455-6677-8899-aabbccddeeff"}}"#) }
    }

    @Test(
        arguments: [[0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80]]
            as [[UInt8]])
    func bytesThatAreNotUTF8AreEscapedAndRefused(_ bytes: [UInt8]) throws {
        #expect(throws: JSONFault.self) { try Codec.decode(Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)) }
        let size = 4 + 3 + 4 + bytes.count + 1 + 1
        let document = try Document(
            validating: [UInt8(size), 0, 0, 0, 2, 0x61, 0, UInt8(bytes.count + 1), 0, 0, 0] + bytes + [0, 0])
        #expect(Codec.encode(document).outcome == .escaped)
    }
}
