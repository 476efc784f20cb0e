/// A pattern for names: `*` is any run of characters, `?` any one. The whole name has to match.
///
/// A backslash takes a wildcard or backslash behind it as it stands; elsewhere it is one itself, as names may have.
public struct Glob: Hashable, Sendable, CustomStringConvertible {
    private enum Part: Hashable, Sendable {
        case exactly(Unicode.Scalar)
        case one
        case any
    }

    public let pattern: String
    private let parts: [Part]

    public init(_ pattern: String) {
        self.pattern = pattern
        var parts: [Part] = []
        var isEscaped = false
        for character in pattern.unicodeScalars {
            switch character {
            case _ where isEscaped:
                if !"*?\\".unicodeScalars.contains(character) { parts.append(.exactly("\\")) }
                parts.append(.exactly(character))
                isEscaped = false
            case "\\": isEscaped = true
            case "*": if parts.last != .any { parts.append(.any) }
            case "?": parts.append(.one)
            default: parts.append(.exactly(character))
            }
        }
        if isEscaped { parts.append(.exactly("\\")) }
        self.parts = parts
    }

    /// Whether the whole of `name` matches.
    public func matches(_ name: String) -> Bool {
        let characters = Array(name.unicodeScalars)
        var part = 0
        var character = 0
        // Where the last `*` stands, and how much it takes: only the last one ever needs to take more.
        var star: (part: Int, character: Int)?
        while character < characters.count {
            if part < parts.count {
                switch parts[part] {
                case .any:
                    star = (part, character)
                    part += 1
                    continue
                case .one:
                    part += 1
                    character += 1
                    continue
                case .exactly(let wanted) where wanted == characters[character]:
                    part += 1
                    character += 1
                    continue
                case .exactly: break
                }
            }
            guard let last = star else { return false }
            star = (last.part, last.character + 1)
            part = last.part + 1
            character = last.character + 1
        }
        return parts[part...].allSatisfy { $0 == .any }
    }

    public var description: String { pattern }
}
