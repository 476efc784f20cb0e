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

    /// Where a fault is counts from the outermost document's first byte, however deep it lies.
    @Test func theOffsetOfAFaultIsThatInTheWholeDocument() throws {
        func fault(_ bytes: [UInt8]) -> BSONError? { bytes.withUnsafeBytes { BSONValidator.firstFault(in: $0) } }
        func inside(_ value: [UInt8]) -> [UInt8] { Self.doc(0x03, value) }
        // Each document around it has 7 bytes before its value.
        let unknown = Self.doc(0x99, [1])
        #expect(fault(unknown)?.offset == 4)
        #expect(fault(inside(unknown))?.offset == 7 + 4)
        #expect(fault(inside(inside(unknown)))?.offset == 14 + 4)
        var long = Self.doc(0x08, [1])
        long[long.count - 1] = 1
        #expect(fault(inside(inside(long)))?.offset == 14 + long.count - 1)
        let code = Self.le(2) + [0x66, 0]
        func scoped(_ code: [UInt8], _ scope: [UInt8]) -> [UInt8] {
            inside(Self.doc(0x0F, Self.le(4 + code.count + scope.count) + code + scope))
        }
        let scope = Self.doc(0x08, [1])
        // The code's length is behind the value's own.
        #expect(fault(scoped(Self.le(0) + [0x66, 0], scope))?.offset == 14 + 4)
        #expect(fault(scoped(Self.le(2) + [0x66, 1], scope))?.offset == 14 + 4 + 5)
        #expect(fault(scoped(code, unknown))?.offset == 14 + 4 + 6 + 4)
        #expect(fault(scoped(code, long))?.offset == 14 + 4 + 6 + long.count - 1)
        var deep = Self.doc(0x08, [1])
        for _ in 0..<500 { deep = inside(deep) }
        let tooDeep = try #require(fault(deep))
        #expect(tooDeep.reason == .tooDeep && tooDeep.offset == 500 * 7)
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
