import Relations

/// How a file or a database spells names that somebody has written with other characters that look the same: `é` can be
/// one character or two. Where only one of the spellings is there, it is the one that is meant.
struct NameSpellings {
    private let exact: Set<ExactName>
    private let byLook: [String: String]

    /// - Parameters:
    ///   - names: what can be meant, no two of which look alike.
    ///   - others: what has names of its own, and is meant only where it is spelled so.
    init(_ names: [String], others: [String] = []) {
        exact = Set((names + others).map { ExactName($0) })
        byLook = Dictionary(names.map { ($0, $0) }) { first, _ in first }
    }

    private func spelled(_ name: String) -> String {
        exact.contains(ExactName(name)) ? name : byLook[name] ?? name
    }

    func spelled(_ reference: Reference) -> Reference {
        var reference = reference
        reference.collection = spelled(reference.collection)
        reference.target = spelled(reference.target)
        return reference
    }
}
