import MongoFerry
import Relations

/// Breaks long lines between words, for terminals. Text between backticks is kept whole, since it will be copied.
enum Wrapping {
    static func wrapped(_ text: StyledText, to width: Int) -> StyledText {
        guard width >= 20, text.plain.split(separator: "\n").contains(where: { TextWidth.columns(String($0)) > width })
        else { return text }
        var result = StyledText()
        var column = 0
        var indent = 0
        var isAtStart = true
        for piece in text.pieces {
            var line = ""
            for word in words(piece.text) {
                if word == "\n" {
                    (line, column, indent, isAtStart) = (line + word, 0, 0, true)
                    continue
                }
                let isBlank = word.first == " "
                if isAtStart, isBlank { indent = word.count }
                isAtStart = false
                let size = TextWidth.columns(word)
                if column + size > width, column > indent + 2, !isBlank {
                    while line.last == " " { line.removeLast() }
                    line += "\n" + String(repeating: " ", count: min(indent + 2, width / 2))
                    column = min(indent + 2, width / 2)
                }
                line += word
                column += size
            }
            result.append(line, piece.style)
        }
        return result
    }

    /// The words, runs of blanks and line ends of a text, in order.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var isQuoted = false
        for character in text {
            if character == "`" { isQuoted.toggle() }
            let isBlank = character == " " && !isQuoted
            let lastIsBlank = words.last?.first == " "
            if character == "\n" {
                words.append("\n")
            } else if let last = words.last, last != "\n", isBlank == lastIsBlank {
                words[words.count - 1].append(character)
            } else {
                words.append(String(character))
            }
        }
        return words
    }
}
