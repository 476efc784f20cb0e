import Testing

@testable import BSON

/// What is wrong in one byte is refused, and what is unusual and right is read.
@Suite struct StrictnessTests {
    private static func le(_ n: Int) -> [UInt8] { withUnsafeBytes(of: Int32(n).littleEndian) { [UInt8]($0) } }
    private static func doc(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
        le(4 + 3 + value.count + 1) + [type, 0x61, 0] + value + [0]
    }

    private func isRefused(_ bytes: [UInt8]) -> Bool { (try? Document(validating: bytes)) == nil }

    @Test func theScopeOfCodeIsChecked() {
        let scope = Self.doc(0x08, [1]), bad = Self.doc(0x99, [1])
        func scoped(_ s: [UInt8]) -> [UInt8] {
            let b = Self.le(2) + [0x66, 0] + s
            return Self.doc(0x0F, Self.le(b.count + 4) + b)
        }
        #expect(!isRefused(scoped(scope)))
        #expect(isRefused(scoped(bad)))
    }

    @Test func codeEndsInZero() {
        let b = Self.le(2) + [0x66, 1] + Self.doc(0x08, [1])
        #expect(isRefused(Self.doc(0x0F, Self.le(b.count + 4) + b)))
    }

    @Test func aDecimalOutOfRangeIsZero() {
        #expect(Decimal128(low: .max, high: 0x3041_FFFF_FFFF_FFFF).finiteParts?.coefficient == 0)
    }

    @Test func zerosMakeTheLowestExponentFit() { #expect(Decimal128("10E-6177")?.description == "1E-6176") }

    @Test func manyZerosInsideADecimalStay() {
        let text = "1" + String(repeating: "0", count: 32) + "1"
        #expect(Decimal128(text)?.description == text)
    }

    @Test func theNamespaceOfADBPointerEndsInZero() {
        #expect(isRefused(Self.doc(0x0C, Self.le(2) + [0x66, 1] + [UInt8](repeating: 0, count: 12))))
    }

    @Test func stringsEndInZero() {
        for type: UInt8 in [0x02, 0x0D, 0x0E] { #expect(isRefused(Self.doc(type, Self.le(2) + [0x66, 1]))) }
    }
}
