import Relations

extension Report {
    /// Records what of a database was left out, by name or by query, and warns of exclusions that match nothing.
    mutating func note(_ options: ExportOptions, _ choice: ExportChoice, _ operation: OperationContext) {
        let catalog = choice.catalog
        excluded = catalog.excluded
        queries = choice.queries.texts
        let left = catalog.excluded.flatMap { [options.configuration.fileName(of: $0.name), $0.name] }
        let names = catalog.entries.flatMap { [$0.name, $0.databaseName] } + left
        operation.warnOfUnmatched(
            options.exclude, options.configuration, among: names, in: database ?? "the database")
    }

    /// The options that make a command use the same configuration.
    static func options(for configuration: Configuration) -> [String] {
        configuration.file.flatMap { $0 == Configuration.usualFile ? nil : ["--config", $0] } ?? []
    }

    /// The options that make an import or a check of a file use the same collections.
    static func options(
        renames: [String: String], collections: [Glob], exclude: [Glob], takesLegacyRows: Bool, infers: Bool
    ) -> [String] {
        let names = renames.sorted { ExactName($0.key) < ExactName($1.key) }.flatMap {
            ["--rename", "\($0.key)=\($0.value)"]
        }
        return names + collections.flatMap { ["--collection", "\($0)"] }
            + exclude.flatMap { ["--exclude", "\($0)"] } + (takesLegacyRows ? [] : ["--no-legacy"])
            + (infers ? [] : ["--no-infer"])
    }
}
