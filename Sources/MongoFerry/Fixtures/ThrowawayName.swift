import BSON
import Foundation

/// Names of throwaway databases: `mongoferry_fixture_shop_674309ab_1f2e3d4c`.
///
/// They consist of the fixture's name, the time of creation in seconds since 1970 and a random number, the last two as
/// eight hexadecimal digits.
enum ThrowawayName {
    private static let prefix = "mongoferry_fixture_"

    /// Returns a name that no database has yet.
    static func make(for file: String) -> String {
        let seconds = hex(UInt32(truncatingIfNeeded: Int(Date().timeIntervalSince1970)))
        // Servers require names that differ in more than case and have at most 63 bytes.
        let letters = baseName(of: file).lowercased().utf8.map { byte -> UInt8 in
            let isPlain = (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            return isPlain ? byte : 0x5F
        }
        let name = String(decoding: letters.prefix(24), as: UTF8.self)
        return "\(prefix)\(name)_\(seconds)_\(hex(UInt32.random(in: 0 ... .max)))"
    }

    /// When a database was made, in seconds since 1970; nil for names that are not of this form.
    static func secondsOfMaking(_ name: String) -> Int? {
        guard let match = name.wholeMatch(of: /mongoferry_fixture_[a-z0-9_]*_([0-9a-f]{8})_[0-9a-f]{8}/) else {
            return nil
        }
        return Int(match.1, radix: 16)
    }

    /// Returns `shop` for `Fixtures/shop.csv.gz`.
    static func baseName(of file: String) -> String {
        let last = file.parts(between: "/").last { !$0.isEmpty } ?? ""
        return last.parts(between: ".").first ?? ""
    }

    private static func hex(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
