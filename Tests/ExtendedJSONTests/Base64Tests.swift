import BSON
import Foundation
import Testing

@testable import ExtendedJSON

@Suite struct Base64Tests {
    private static func encode(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes(Base64.text) }

    private static func decode(_ text: [UInt8]) -> [UInt8]? {
        let buffer = ByteBuffer(capacity: 1)
        var out = buffer.makeWriter()
        let isSound = text.withUnsafeBytes { Base64.decode($0, into: &out) }
        out.finish()
        return isSound ? Array(buffer.bytes) : nil
    }

    @Test func everyLengthIsWhatFoundationSays() {
        var generator = SystemRandomNumberGenerator()
        for count in Array(0...70) + [4095, 4096, 4097, 100_000] {
            for _ in 0..<5 {
                let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                let text = Data(bytes).base64EncodedString()
                #expect(Self.encode(bytes) == text)
                #expect(Self.decode(Array(text.utf8)) == bytes)
                #expect(Array(text.utf8).withUnsafeBytes(Base64.bytes) == bytes)
            }
        }
    }

    @Test func theWholeAlphabetIsReadInEveryPlace() {
        for place in 0..<3 {
            for byte in UInt8.min...UInt8.max {
                var bytes: [UInt8] = [0, 0, 0]
                bytes[place] = byte
                let text = Data(bytes).base64EncodedString()
                #expect(Self.encode(bytes) == text)
                #expect(Self.decode(Array(text.utf8)) == bytes)
            }
        }
    }

    /// Foundation accepts text whose last bits belong to no byte. This decoder accepts exactly one text for each value.
    @Test func aChangedCharacterIsRefusedUnlessItIsTheTextOfOtherBytes() {
        var accepted = 0
        for count in 1...14 {
            let text = Array(Data((0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }).base64EncodedString().utf8)
            for place in text.indices {
                for byte in UInt8.min...UInt8.max {
                    var changed = text
                    changed[place] = byte
                    let wanted = Data(base64Encoded: Data(changed)).flatMap { bytes in
                        Array(bytes.base64EncodedString().utf8) == changed ? Array(bytes) : nil
                    }
                    #expect(Self.decode(changed) == wanted, "\(String(decoding: changed, as: UTF8.self))")
                    if wanted != nil { accepted += 1 }
                }
            }
        }
        #expect(accepted > 64 * 50)
    }

    @Test(arguments: [
        "A", "AA", "AAA", "AAAAA", "====", "A===", "AA=A", "=AAA", "AB==", "AAB=", "AAAA====", "AA==AAAA",
    ])
    func whatIsNoPaddedBase64IsRefused(text: String) {
        #expect(Self.decode(Array(text.utf8)) == nil)
    }
}
