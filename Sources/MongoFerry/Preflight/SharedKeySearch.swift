import BSON
import BackupFile
import Relations

/// Finds rows of one collection that a merge by other keys than `_id` would take for the same document: the second
/// would overwrite the first.
struct SharedKeySearch {
    let reader: BackupReader
    let key: DocumentKey
    let rules: TypeRules?
    /// The collections that are merged, by their names in the file.
    let names: Set<String>
    let operation: OperationContext

    /// Notes them as problems. Takes 9 bytes per row, and reads the file once more; several times if there are any.
    /// - Throws: ``FerryError`` if no row has a value for the key; ``BackupError``, ``FileError``; `CancellationError`.
    func run(_ survey: inout FileSurvey) throws {
        let (hashes, hasRows) = try sortedHashes(survey)
        // Rows that were set aside may have been for just that.
        if hasRows, hashes.isEmpty, !RejectsFile.isName(reader.path) { throw unknownKey }
        let names = key.names.joined(separator: ", ")
        try RepeatSearch(
            reader: reader, rules: rules,
            key: RepeatSearch.Key(
                hash: { [key] document, _ in key.hash(document) }, value: { [key] document, _ in key.value(document) },
                reason: { "the same \(names), by which the merge finds documents, stands on line \($0) already" }),
            hashes: hashes, operation: operation
        ).run(&survey)
    }

    private func sortedHashes(_ survey: FileSurvey) throws -> ([String: RecordHashes], hasRows: Bool) {
        var hashes: [String: RecordHashes] = [:]
        var hasRows = false
        var decoder = ConvertingDecoder(survey: survey, rules: rules)
        try reader.forEachBatch(from: reader.firstRow) { batch in
            try operation.cancellation.check()
            batch.forEachRow { row in
                // Not written anyway.
                if survey.linesSetAside.contains(row.line) { return }
                decoder.withDocument(row, in: names.contains) { name, document, _ in
                    hasRows = true
                    guard let hash = key.hash(document) else { return }
                    if hashes[name] == nil {
                        hashes[name] = RecordHashes()
                        hashes[name]?.reserve(survey.rows(of: name)?.count ?? 0, withDocuments: false)
                    }
                    hashes[name]?.append(hash, document: nil)
                }
            }
        }
        // A list of its own: while the dictionary's keys are in use, sorting would copy the hashes.
        for name in Array(hashes.keys) { hashes[name]?.sort() }
        return (hashes, hasRows)
    }

    /// A misspelled name would set every row aside.
    private var unknownKey: FerryError {
        FerryError(
            "--upsert-keys: no row that would be merged has a value for \(key.names.joined(separator: ", "))",
            kind: .usage,
            details: [FerryError.nothingWritten],
            advice: ["Check the spelling; --collection chooses the collections that have the field."])
    }
}
