import BackupFile

extension Export {
    /// What the file does not guarantee, for warnings and the report.
    func remarks(
        _ choice: ExportChoice, _ moment: ReadMoment, _ connection: Connection
    ) throws -> [String] {
        var remarks = [try UnfinishedImport.warning(choice.found, connection), moment.warning].compactMap(\.self)
        if moment.consistency == .unprotected, options.consistency == nil {
            remarks.append(
                "\(connection.topologyText), MongoDB \(connection.server.version): no snapshot, so writes during the export may be half in the file"
            )
        }
        let capped = choice.catalog.entries.filter(\.isCapped).map(\.name)
        if moment.readConcern != nil, !capped.isEmpty {
            remarks.append(
                "servers give no snapshots of capped collections: \(capped.joined(separator: ", ")) may hold what was written during the export"
            )
        }
        for name in capped where choice.queries[name].map(ExportQueries.needsIndex) ?? false {
            remarks.append(
                "\(name): with $near and $text, documents come in an order of their own, not in that of insertion, which a capped collection keeps"
            )
        }
        for (collection, index) in options.plain ? [] : choice.catalog.indexesUnderWay {
            remarks.append(
                "\(collection): the server is still building index \(index). The file has it: should the build fail, as it does where a unique index meets duplicates, it will fail in an import too"
            )
        }
        if options.json == .relaxed {
            remarks.append(
                "--json relaxed loses the difference between number types: such a file does not restore exactly")
        }
        if options.plain, let text = Self.textOfPlain(choice.catalog) { remarks.append(text) }
        return remarks
    }

    /// What a file without metadata leaves out; nil if there is nothing but rows.
    private static func textOfPlain(_ catalog: Catalog) -> String? {
        func named(_ what: String, _ entries: [BackupMetadata.Collection]) -> String? {
            guard !entries.isEmpty else { return nil }
            let names = entries.prefix(namesShown).map(\.databaseName) + (entries.count > namesShown ? ["…"] : [])
            return "\(what) (\(names.joined(separator: ", ")))"
        }
        let stored = catalog.entries.filter { $0.kind != .view }
        let lost = [
            named("views", catalog.entries.filter { $0.kind == .view }),
            named("collections without documents", stored.filter { $0.records == 0 }),
            named("options", stored.filter { !$0.options.isEmpty }),
            named("indexes", stored.filter { !$0.secondaryIndexes.isEmpty }),
        ].compactMap(\.self)
        return lost.isEmpty ? nil : "--plain leaves out \(lost.listed("and")): an import of the file makes none of them"
    }

    private static let namesShown = 5
}
