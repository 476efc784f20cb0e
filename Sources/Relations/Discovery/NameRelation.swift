/// How the names of two collections that share keys are related.
enum NameRelation: Sendable {
    case none
    /// `userProfiles` and `users`.
    case partOfWhole
    /// `users_backup` and `users`, in either order.
    case copy

    private static let copyWords: Set<String> = [
        "archive", "archived", "backup", "backups", "bak", "copy", "deleted", "dump", "history", "legacy", "new", "old",
        "previous", "snapshot", "staging", "temp", "tmp", "trash", "v1", "v2", "v3",
    ]

    /// Whether the name says that it is a copy: `users_backup`, `old_customers`.
    static func isCopy(_ name: String) -> Bool { isCopy(NameWords(name).words) }

    /// Whether one is named as a copy of the other: `users_backup` of `users`.
    static func isCopy(_ name: String, of original: String) -> Bool {
        let (copy, whole) = (Name(name), Name(original))
        return copy.isCopy && !whole.isCopy && !copy.partForms.isDisjoint(with: whole.forms)
    }

    private static func isCopy(_ words: [String]) -> Bool { !copyWords.isDisjoint(with: words) }

    /// A collection's name, split once for all comparisons.
    struct Name: Sendable {
        fileprivate let isCopy: Bool
        fileprivate let forms: Set<String>
        /// The forms of each proper beginning and end of the name's words.
        fileprivate let partForms: Set<String>
        /// The word, if the name is a single one.
        fileprivate let word: String?

        init(_ name: String) {
            let words = NameWords(name).words
            isCopy = NameRelation.isCopy(words)
            forms = NameWords.forms(of: words)
            partForms = words.indices.dropFirst().reduce(into: []) { forms, cut in
                forms.formUnion(NameWords.forms(of: words[..<cut]))
                forms.formUnion(NameWords.forms(of: words[cut...]))
            }
            word = words.count == 1 ? words[0] : nil
        }
    }

    init(part: Name, whole: Name) {
        if part.isCopy || whole.isCopy {
            self = .copy
            return
        }
        // Entirely in lower case: `userprofiles`.
        let isGlued = part.word.map { word in
            whole.forms.contains { word.hasPrefix($0) && word.count >= $0.count + 3 }
        }
        self = isGlued == true || !part.partForms.isDisjoint(with: whole.forms) ? .partOfWhole : .none
    }
}
