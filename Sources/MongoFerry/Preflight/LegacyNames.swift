import Relations

/// The names of a legacy file's collections, here and in the database.
struct LegacyNames {
    private let names: FileNames
    /// By their names in the database.
    private let namesInFile: [ExactName: String]
    private let taken: Set<ExactName>

    init(_ options: ImportOptions, rows: [FileSurvey.Rows]) {
        let names = FileNames(metadata: nil, configuration: options.configuration, renames: options.renames)
        self.names = names
        namesInFile = Dictionary(rows.map { (ExactName(names.databaseName(of: $0.name)), $0.name) }) { first, _ in
            first
        }
        taken = Set(rows.map { ExactName($0.name) })
    }

    func databaseName(of name: String) -> String { names.databaseName(of: name) }

    /// The name under which a collection of the database is shown; nil if that would mean another one.
    func shownName(of name: String) -> String? {
        if let known = namesInFile[ExactName(name)] { return known }
        let shown = names.configuration.fileName(of: name)
        guard !taken.contains(ExactName(shown)), databaseName(of: shown).hasSameBytes(as: name) else { return nil }
        return shown
    }
}
