extension Unicode.Scalar {
    /// Whether it must be written out wherever a text from a file or a server is shown: it cannot be seen, and may do
    /// something to a terminal, a page or the text around it.
    ///
    /// Control characters with line breaks and tabulators, the two line separators that some programs break at, what turns
    /// the direction of writing round, the mark that has no width, and the two that neither YAML nor XML may have.
    package var isUnseen: Bool {
        switch self {
        case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{200E}"..."\u{200F}", "\u{2028}"..."\u{202E}",
            "\u{2066}"..."\u{2069}", "\u{FEFF}", "\u{FFFE}"..."\u{FFFF}":
            true
        default: false
        }
    }
}

extension String {
    /// With control characters made visible, but for line breaks and tabulators.
    package var harmless: String { escaped { $0.isUnseen && $0 != "\n" && $0 != "\t" } }

    /// With control characters and line breaks made visible, which names and other texts from files and servers may have.
    package var oneLine: String { escaped(where: \.isUnseen) }

    /// In double quotes, with what cannot be seen made visible as YAML and JSON write it.
    var quoted: String {
        var text = "\""
        for character in unicodeScalars {
            switch character {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\"", "\\": text += "\\\(character)"
            case _ where character.isUnseen:
                let digits = String(character.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(character)
            }
        }
        return text + "\""
    }

    private func escaped(where isEscaped: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: isEscaped) else { return self }
        return unicodeScalars.map { isEscaped($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}

extension String {
    /// Fit for the text of a page or an SVG picture and for attributes in double quotes. What cannot be seen is written out: a name must not turn
    /// the direction of the page's text round.
    package var escapedForPages: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case _ where scalar.isUnseen: result += scalar.escaped(asASCII: true)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
