import BackupFile
import Relations

/// Finds rows of one collection with the same `_id`, whose hashes the survey has.
struct DuplicateSearch {
    let reader: BackupReader
    let operation: OperationContext
    /// See ``RepeatSearch/keysAtOnce``.
    var idsAtOnce: Int?

    /// - Parameters:
    ///   - rules: how `_id`s are converted, if in a way that ``RowID`` does not know.
    ///   - names: the collections to which these rules apply; the others were searched before.
    func run(_ survey: inout FileSurvey, rules: TypeRules? = nil, in names: Set<String>? = nil) throws {
        let rows = survey.rows.filter { names?.contains($0.name) ?? true }
        let key = RepeatSearch.Key(
            hash: { document, isLegacy in
                document.first.map { RowID($0, isLegacy: isLegacy && rules == nil).hash }
            },
            value: { document, isLegacy in
                document.first.map { RowID($0, isLegacy: isLegacy && rules == nil).value }
            },
            reason: { "the same _id stands on line \($0) already" })
        var search = RepeatSearch(
            reader: reader, rules: rules, key: key,
            hashes: Dictionary(rows.map { ($0.name, $0.ids) }) { first, _ in first }, operation: operation)
        if let idsAtOnce { search.keysAtOnce = idsAtOnce }
        try search.run(&survey)
    }
}
