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

    /// Notes them as problems. Takes 8 bytes per row, and reads the file once more; twice if there are any.
    /// - Throws: ``FerryError`` if no row has a value for the key; ``BackupError``, ``FileError``; `CancellationError`.
    func run(_ survey: inout FileSurvey) throws {
        var hashes: [String: RecordHashes] = [:]
        var hasRows = false
        try forEachDocument(survey) { name, _, document in
            hasRows = true
            if let hash = key.hash(document) { hashes[name, default: RecordHashes()].append(hash, document: nil) }
        }
        // Rows that were set aside may have been for just that.
        if hasRows, hashes.isEmpty, !RejectsFile.isName(reader.path) { throw unknownKey }
        var shared: [String: Set<UInt64>] = [:]
        for name in hashes.keys {
            hashes[name]?.sort()
            if let repeated = hashes.removeValue(forKey: name)?.repeatedIDs(where: { _ in true }), !repeated.isEmpty {
                shared[name] = repeated
            }
        }
        guard !shared.isEmpty else { return }
        var lines: [String: [UInt64: Int]] = [:]
        let names = key.names.joined(separator: ", ")
        let before = survey
        try forEachDocument(before) { name, line, document in
            guard let hash = key.hash(document), shared[name]?.contains(hash) == true else { return }
            guard let earlier = lines[name]?[hash] else {
                lines[name, default: [:]][hash] = line
                return
            }
            survey.linesSetAside.insert(line)
            survey.problems.add(
                RowProblem(
                    line: line, collection: name, id: document.first.map(IDText.text),
                    reason: "the same \(names), by which the merge finds documents, stands on line \(earlier) already"))
        }
    }

    /// A misspelled name would set every row aside.
    private var unknownKey: FerryError {
        FerryError(
            "--upsert-keys: no row that would be merged has a value for \(key.names.joined(separator: ", "))",
            kind: .usage,
            details: [FerryError.nothingWritten],
            advice: ["Check the spelling; --collection chooses the collections that have the field."])
    }

    private func forEachDocument(
        _ survey: FileSurvey, _ body: (_ name: String, _ line: Int, RawDocument) -> Void
    ) throws {
        var decoder = ConvertingDecoder(survey: survey, rules: rules)
        try reader.forEachBatch(from: reader.firstRow) { batch in
            try operation.cancellation.check()
            batch.forEachRow { row in
                // Not written anyway.
                if survey.linesSetAside.contains(row.line) { return }
                decoder.withDocument(row, in: names.contains) { name, document, _ in body(name, row.line, document) }
            }
        }
    }
}
