import Relations

/// How a file or a database spells names that somebody has written with other characters that look the same: `é` can be
/// one character or two. Where only one of the spellings is there, it is the one that is meant.
///
/// What a reference leads to may have another name altogether, in a file that was made without the configuration or with
/// another one: it is what has the same name in the database.
struct NameSpellings {
    private let exact: Set<ExactName>
    private let byLook: [String: String]
    private let byDatabaseName: [ExactName: String]
    private let configuration: Configuration

    /// - Parameters:
    ///   - names: what can be meant, no two of which look alike.
    ///   - others: what has names of its own, and is meant only where it is spelled so.
    ///   - configuration: what the names that somebody has written stand in.
    ///   - databaseName: what the database calls one of `names`.
    init(
        _ names: [String], others: [String], _ configuration: Configuration, databaseName: (String) -> String
    ) {
        exact = Set((names + others).map { ExactName($0) })
        byLook = Dictionary(names.map { ($0, $0) }) { first, _ in first }
        byDatabaseName = Dictionary(names.map { (ExactName(databaseName($0)), $0) }) { first, _ in first }
        self.configuration = configuration
    }

    private func spelled(_ name: String) -> String? {
        exact.contains(ExactName(name)) ? name : byLook[name]
    }

    func spelled(_ reference: Reference) -> Reference {
        var reference = reference
        let target = reference.target
        reference.collection = spelled(reference.collection) ?? reference.collection
        reference.target =
            spelled(target) ?? byDatabaseName[ExactName(configuration.databaseName(of: target))] ?? target
        return reference
    }
}
