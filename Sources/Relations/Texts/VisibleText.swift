extension Unicode.Scalar {
    /// Whether the character must be escaped wherever text from a file or a server is shown: it is invisible, and may
    /// affect a terminal, a page or the text around it.
    ///
    /// These are control characters including line breaks and tabs, the two Unicode line separators at which some
    /// programs break lines, characters that change the writing direction, the byte order mark, and the two that
    /// neither YAML nor XML allows.
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
    /// With control characters made visible, except line breaks and tabs.
    package var harmless: String { escaped { $0.isUnseen && $0 != "\n" && $0 != "\t" } }

    /// With control characters and line breaks made visible, which names and other text from files and servers may
    /// contain.
    package var oneLine: String { escaped(where: \.isUnseen) }

    /// In double quotes, with invisible characters escaped as in YAML and JSON.
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
    /// Escaped for the text of a page or an SVG picture and for attributes in double quotes. Invisible characters are
    /// written out: a name must not change the direction of the page's text.
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
