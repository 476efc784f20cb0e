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
    /// In double quotes, with what cannot be seen made visible: for messages, on one line whatever it holds.
    var quoted: String { "\"" + visible(escaping: "\"\\") + "\"" }

    /// With line breaks and other control characters made visible, so that it stays on its line.
    var oneLine: String { visible(escaping: "") }

    func visible(escaping special: String) -> String {
        var text = ""
        for character in unicodeScalars {
            switch character {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where character.isUnseen:
                text += "\\u" + String(repeating: "0", count: 4 - String(character.value, radix: 16).count)
                text += String(character.value, radix: 16)
            default:
                if special.unicodeScalars.contains(character) { text += "\\" }
                text.unicodeScalars.append(character)
            }
        }
        return text
    }

    /// The first `count` characters, with an ellipsis where there are more.
    package func excerpt(_ count: Int) -> String { self.count > count ? prefix(count) + "…" : self }
}

extension Int {
    /// With commas between thousands: 1,000.
    package var grouped: String {
        var digits = String(magnitude)
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.append(digits.suffix(3))
            digits.removeLast(3)
        }
        groups.append(digits[...])
        return (self < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }

    /// With its noun: "1 record", "4,000 records", and what else depends on the number: "1 row was", "2 rows were".
    /// - Parameter many: where an s is not enough.
    package func counted(_ one: String, _ many: String? = nil) -> String {
        "\(grouped) \(self == 1 ? one : many ?? one + "s")"
    }
}

extension [String] {
    /// "a, b or c"; nothing for an empty list.
    package func listed(_ conjunction: String = "or") -> String {
        guard let last else { return "" }
        return count == 1 ? last : dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }
}
