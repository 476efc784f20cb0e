/// How the names of two collections that share keys stand to each other.
enum NameRelation: Sendable {
    case none
    /// `userProfiles` and `users`.
    case partOfWhole
    /// `users_backup` and `users`, either way round.
    case copy

    private static let copyWords: Set<String> = [
        "archive", "archived", "backup", "backups", "bak", "copy", "deleted", "dump", "history", "legacy", "new", "old",
        "previous", "snapshot", "staging", "temp", "tmp", "trash", "v1", "v2", "v3",
    ]

    /// `users_backup`, `old_customers`.
    static func isCopy(_ name: String) -> Bool { !copyWords.isDisjoint(with: NameWords(name).words) }

    init(part: String, whole: String) {
        if Self.isCopy(part) || Self.isCopy(whole) {
            self = .copy
            return
        }
        let part = NameWords(part).words
        let whole = NameWords(whole).words
        let inner = NameWords.forms(of: whole)
        let starts = part.indices.dropFirst().contains { !NameWords.forms(of: part[..<$0]).isDisjoint(with: inner) }
        let ends = part.indices.dropFirst().contains { !NameWords.forms(of: part[$0...]).isDisjoint(with: inner) }
        // Lower case only: `userprofiles`.
        let glued = part.count == 1 && inner.contains { part[0].hasPrefix($0) && part[0].count >= $0.count + 3 }
        self = starts || ends || glued ? .partOfWhole : .none
    }
}
