/// A pattern for names: `*` matches any run of characters, `?` any single one. The whole name must match.
///
/// A backslash escapes a wildcard or another backslash; before anything else it is literal, since names may contain it.
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
        // The last `*`, and the end of what it matches: only the last one ever needs to match more.
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
