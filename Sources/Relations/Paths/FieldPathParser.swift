/// Parses the text form of a ``FieldPath``.
struct FieldPathParser {
    private let text: String
    private let characters: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) {
        self.text = text
        characters = Array(text.unicodeScalars)
    }

    consuming func parse() throws(FieldPathError) -> [FieldPath.Step] {
        guard !characters.isEmpty else { throw fault(.empty) }
        var steps: [FieldPath.Step] = []
        while true {
            steps.append(.field(try name()))
            while peek == "[" {
                position += 1
                if peek == nil { throw fault(.unclosedBracket, at: position) }
                if peek != "]" {
                    throw fault(characters[position...].contains("]") ? .indexInBrackets : .unclosedBracket)
                }
                position += 1
                steps.append(.elements)
            }
            guard let next = peek else { return steps }
            guard next == "." else { throw fault(.textAfterBrackets) }
            position += 1
        }
    }

    private var peek: Unicode.Scalar? { position < characters.count ? characters[position] : nil }

    private mutating func name() throws(FieldPathError) -> String {
        var name = ""
        var isEmptyName = false
        loop: while let character = peek {
            switch character {
            case ".", "[": break loop
            case "]": throw fault(.strayBracket)
            case "\0": throw fault(.controlCharacter)
            case "\\":
                position += 1
                guard let escaped = peek else { throw fault(.unknownEscape, at: position) }
                if escaped == "e", name.isEmpty {
                    isEmptyName = true
                } else if [".", "[", "]", "\\"].contains(escaped) {
                    name.unicodeScalars.append(escaped)
                } else {
                    throw fault(.unknownEscape)
                }
            default: name.unicodeScalars.append(character)
            }
            position += 1
            if isEmptyName { break }
        }
        guard isEmptyName || !name.isEmpty else { throw fault(.missingName) }
        return name
    }

    private func fault(_ reason: FieldPathError.Reason, at index: Int? = nil) -> FieldPathError {
        FieldPathError(text: text, reason: reason, column: (index ?? position) + 1)
    }
}
