import BSON
import Testing

@Suite struct Decimal128Tests {
    /// Texts from the table in the BSON Decimal128 specification, all canonical.
    @Test(arguments: [
        "0", "-0", "1", "-1", "0.1", "0.00012345", "1E+3", "1.0", "1.00", "120.50", "1E-7", "0.000001", "0E+3",
        "0E-6176", "0E+6111", "-0E+3", "1.000000000000000000000000000000000E+6144", "1E-6176", "9.999E+6100",
        "9999999999999999999999999999999999", "12345678901234567.89012345678901234", "100000000000000000",
        "1000000000000000000000000000000000", "Infinity", "-Infinity", "NaN",
        "0.000001234567890123456789012345678901234",
    ])
    func textLeadsToTheSameText(_ text: String) throws {
        let number = try #require(Decimal128(text))
        #expect(number.description == text)
        #expect(number.isCanonical)
    }

    @Test func bitsAreThoseOfTheSpecification() throws {
        #expect(Decimal128("1") == Decimal128(low: 1, high: 0x3040_0000_0000_0000))
        #expect(Decimal128("-0") == Decimal128(low: 0, high: 0xB040_0000_0000_0000))
        #expect(Decimal128("0.1") == Decimal128(low: 1, high: 0x303E_0000_0000_0000))
        #expect(Decimal128("Infinity") == Decimal128(low: 0, high: 0x7800_0000_0000_0000))
        #expect(Decimal128("1E+6144")?.description == "1.000000000000000000000000000000000E+6144")
    }

    @Test(arguments: [
        ("3.50", "3.5"), ("-120.00", "-1.2E+2"), ("-0.00", "0"), ("0E+6111", "0"), ("1E+6111", "1E+6111"),
        ("1.000000000000000000000000000000000E+6144", "1.000000000000000000000000000000000E+6144"),
        ("1.500000000000000000000000000000000", "1.5"), ("NaN", "NaN"), ("-Infinity", "-Infinity"),
    ])
    func theReducedFormOfEqualNumbersIsTheSame(_ text: String, _ reduced: String) throws {
        #expect(try #require(Decimal128(text)).reduced.description == reduced)
    }

    @Test(arguments: ["", ".", "-", "1e", "1e+", "x", "1.2.3", "1E+6145", "12345678901234567890123456789012345", " 1"])
    func refusesWhatItCannotHoldExactly(_ text: String) {
        #expect(Decimal128(text) == nil)
    }

    @Test func dropsTrailingZerosOnlyWhereTheyDoNotFit() {
        #expect(
            Decimal128("10000000000000000000000000000000000")?.description == "1.000000000000000000000000000000000E+34")
    }

    @Test(
        arguments: [
            ("0", Int64(0)), ("-0E+3", 0), ("1", 1), ("-12.00", -12), ("1E+3", 1000), ("9223372036854775807", .max),
            ("-9223372036854775808", .min), ("9223372036854775808", nil), ("1.5", nil), ("1E-7", nil), ("1E+6144", nil),
            ("NaN", nil), ("Infinity", nil),
        ] as [(String, Int64?)])
    func aWholeNumberIsAnInteger(_ text: String, _ expected: Int64?) throws {
        #expect(try #require(Decimal128(text)).integer == expected)
    }

    @Test func oddBitsAreNotCanonical() {
        #expect(!Decimal128(low: 1, high: 0x7C00_0000_0000_0000).isCanonical)
        #expect(!Decimal128(low: 0, high: 0xFC00_0000_0000_0000).isCanonical)
        #expect(!Decimal128(low: 1, high: 0x7800_0000_0000_0000).isCanonical)
        #expect(!Decimal128(low: 0, high: 0x6C10_0000_0000_0000).isCanonical)
        #expect(!Decimal128(low: .max, high: 0x3041_FFFF_FFFF_FFFF).isCanonical)
    }
}
