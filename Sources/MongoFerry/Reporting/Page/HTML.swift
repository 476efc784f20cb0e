import Relations

/// A fragment of an HTML page.
///
/// Written as a literal: interpolated values are escaped, unless they are fragments themselves. So nothing that comes
/// from a file or a server can become markup.
///
///     let cell: HTML = "<td>\(name)</td>"
struct HTML: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    init() { text = "" }

    init(stringLiteral text: String) { self.text = text }

    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate(set) var text = ""

        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

        mutating func appendLiteral(_ literal: String) { text += literal }

        mutating func appendInterpolation(_ value: String) { text += value.escapedForPages }

        mutating func appendInterpolation(_ value: Int) { text += value.grouped }

        mutating func appendInterpolation(_ piece: HTML) { text += piece.text }

        mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.text } }

        /// Inserts a drawing, which has already escaped its texts.
        mutating func appendInterpolation(svg: String) { text += svg }
    }

    static func += (left: inout HTML, right: HTML) { left.text += right.text }

    var isEmpty: Bool { text.isEmpty }

    /// Creates a sentence in which backticks mark commands. Names may have backticks, too: a command has several words,
    /// and stands at the beginning or behind a blank or parenthesis; inside it, quotes enclose a name's.
    init(prose: String) {
        self.init()
        var rest = prose.unicodeScalars[...]
        var plain = String.UnicodeScalarView()
        while let scalar = rest.first {
            if scalar == "`", plain.last.map({ $0 == " " || $0 == "(" }) ?? true,
                let command = Self.command(in: rest.dropFirst())
            {
                self += "\(String(plain))<code>\(String(command))</code>"
                // So that another one directly behind it is none.
                plain = String.UnicodeScalarView(rest.dropFirst(command.count + 2).prefix(1))
                rest = rest.dropFirst(command.count + 3)
            } else {
                plain.append(scalar)
                rest = rest.dropFirst()
            }
        }
        self += "\(String(plain))"
    }

    /// The command before the first backtick outside of quotes; nil if it is none.
    private static func command(in text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView? {
        var (isQuoted, isEscaped) = (false, false)
        for place in text.indices {
            if isEscaped {
                isEscaped = false
                continue
            }
            isEscaped = !isQuoted && text[place] == "\\"
            if text[place] == "'" { isQuoted.toggle() }
            guard text[place] == "`", !isQuoted else { continue }
            return text[..<place].contains(" ") ? text[..<place] : nil
        }
        return nil
    }
}
