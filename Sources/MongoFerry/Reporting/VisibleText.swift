extension String {
    /// With control characters made visible, but for line breaks and tabulators.
    package var harmless: String {
        guard unicodeScalars.contains(where: Self.isControl) else { return self }
        return unicodeScalars.map { Self.isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    }

    /// With control characters and line breaks made visible, which names and other texts from files and servers may have.
    package var oneLine: String {
        guard unicodeScalars.contains(where: { Self.isControl($0) || $0 == "\n" || $0 == "\t" }) else { return self }
        return unicodeScalars.map {
            Self.isControl($0) || $0 == "\n" || $0 == "\t" ? $0.escaped(asASCII: true) : String($0)
        }
        .joined()
    }

    /// C0 and C1, and what turns the direction of writing round.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
