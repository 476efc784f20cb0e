import Relations

extension String {
    /// With control characters made visible, but for line breaks and tabulators.
    package var harmless: String { escaped { $0.isUnseen && $0 != "\n" && $0 != "\t" } }

    /// With control characters and line breaks made visible, which names and other texts from files and servers may have.
    package var oneLine: String { escaped(where: \.isUnseen) }

    private func escaped(where isEscaped: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: isEscaped) else { return self }
        return unicodeScalars.map { isEscaped($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}
