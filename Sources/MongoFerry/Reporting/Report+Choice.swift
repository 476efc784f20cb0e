extension Report {
    /// Takes what of a database was left out, by name or by a query, and says which exclusions have left nothing out.
    mutating func note(_ options: ExportOptions, _ catalog: Catalog, _ operation: OperationContext) {
        excluded = catalog.excluded
        queries = options.queries
        let left = catalog.excluded.flatMap { [options.configuration.fileName(of: $0.name), $0.name] }
        let names = catalog.entries.flatMap { [$0.name, $0.databaseName] } + left
        operation.warnOfUnmatched(options.exclude, among: names, in: database ?? "the database")
    }
}
