import MongoFerry
import Relations

/// Text in pieces, some of which are highlighted on terminals with colours.
struct StyledText: Equatable {
    enum Style: String {
        case plain = ""
        case bold = "1"
        case quiet = "2"
        case red = "1;31"
        case yellow = "33"
        case bar = "36"
    }

    private(set) var pieces: [Piece] = []

    struct Piece: Equatable {
        var text: String
        var style: Style
    }

    init() {}

    init(_ text: String, _ style: Style = .plain) { append(text, style) }

    mutating func append(_ text: String, _ style: Style = .plain) {
        if !text.isEmpty { pieces.append(Piece(text: text, style: style)) }
    }

    var isEmpty: Bool { pieces.isEmpty }
    var plain: String { pieces.map(\.text).joined() }
    var columns: Int { pieces.reduce(0) { $0 + TextWidth.columns($1.text) } }

    /// The text without anything that could control the terminal: names and messages come from files and servers.
    var harmless: StyledText {
        var result = self
        for index in result.pieces.indices { result.pieces[index].text = result.pieces[index].text.harmless }
        return result
    }

    func drawn(_ usesColour: Bool) -> String {
        guard usesColour else { return plain }
        return pieces.map { $0.style == .plain ? $0.text : "\u{1B}[\($0.style.rawValue)m\($0.text)\u{1B}[0m" }.joined()
    }
}
