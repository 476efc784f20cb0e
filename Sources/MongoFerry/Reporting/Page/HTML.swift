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

    /// Creates a sentence in which backticks mark code.
    init(prose: String) {
        self.init()
        for (index, part) in prose.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            self += index % 2 == 1 ? "<code>\(String(part))</code>" : "\(String(part))"
        }
    }
}
