/// A YAML text whose byte order marks survive parsing.
///
/// Yams creates its strings with Foundation, which drops a mark at their beginning: the field `"\ufeffid"`, as imported
/// spreadsheets have it, would become another one. So a guard character is inserted before each mark, however it is
/// written, and removed from what was parsed.
struct GuardedYAML {
    /// The text for the parser.
    let text: String
    /// A character that is not in the text; nil if there is no mark.
    private let guardian: Unicode.Scalar?

    private static let mark: Unicode.Scalar = "\u{FEFF}"
    private static let escapes = ["ufeff", "u0000feff"].map { Array($0.unicodeScalars) }

    init(_ yaml: String) {
        let scalars = Array(yaml.unicodeScalars)
        let lowercased = yaml.lowercased()
        guard scalars.contains(Self.mark) || lowercased.contains("feff"),
            let guardian = Self.guardian(notIn: lowercased)
        else {
            (text, self.guardian) = (yaml, nil)
            return
        }
        var guarded = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            let start = place
            // Whether the last of several backslashes begins an escape depends on their context. In front of all of
            // them a guard is harmless in any case.
            while place < scalars.count, scalars[place] == "\\" { place += 1 }
            let isEscape = place > start && Self.beginsWithEscape(scalars[place...])
            // The parser skips a mark at the beginning of a line.
            let isMark = start > 0 && scalars[start] == Self.mark && scalars[start - 1] != "\n"
            if isEscape || isMark { guarded.append(guardian) }
            place = max(place, start + 1)
            guarded.append(contentsOf: scalars[start..<place])
        }
        text = String(guarded)
        self.guardian = guardian
    }

    /// Removes the guards from a parsed text.
    func restored(_ read: String) -> String {
        guard let guardian, read.unicodeScalars.contains(guardian) else { return read }
        return String(String.UnicodeScalarView(read.unicodeScalars.filter { $0 != guardian }))
    }

    /// A private-use character that is not in the text, neither itself nor as an escape.
    private static func guardian(notIn lowercased: String) -> Unicode.Scalar? {
        (0x10FF00...0x10FFFD as ClosedRange<UInt32>).lazy.compactMap(Unicode.Scalar.init).first {
            !lowercased.unicodeScalars.contains($0) && !lowercased.contains(String($0.value, radix: 16))
        }
    }

    private static func beginsWithEscape(_ scalars: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = scalars.first, first == "u" || first == "U" else { return false }
        return escapes.contains { escape in
            scalars.count >= escape.count
                && zip(scalars, escape).allSatisfy { $0.properties.lowercaseMapping == String($1) }
        }
    }
}
