import Relations

/// How a file or a database spells names that somebody has written with other characters that look the same: `é` can be
/// one character or two. If only one of the spellings exists, it is the one that is meant.
///
/// The target of a reference may have an entirely different name in a file that was made without the configuration or
/// with another one: it is then the collection that has the same name in the database.
struct NameSpellings {
    private let exact: Set<ExactName>
    private let byLook: [String: String]
    private let byDatabaseName: [ExactName: String]
    private let configuration: Configuration

    /// - Parameters:
    ///   - names: the names that can be meant, no two of which look alike.
    ///   - others: further names, which match only if spelled exactly.
    ///   - configuration: the configuration that contains the written names.
    ///   - databaseName: returns the database's name for one of `names`.
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
