import BSON
import BackupFile

/// Finds rows of one collection with the same `_id`.
///
/// The survey has a hash of each; where two are the same, a second pass looks at the `_id`s themselves.
struct DuplicateSearch {
    let reader: BackupReader
    let maximumDocument: Int
    let operation: OperationContext

    func run(_ survey: inout FileSurvey) throws {
        var suspects: [String: Set<UInt64>] = [:]
        for rows in survey.rows {
            let hashes = rows.ids.repeatedIDs
            if !hashes.isEmpty { suspects[rows.name] = hashes }
        }
        guard !suspects.isEmpty else { return }
        let first = survey.rows.filter { suspects[$0.name] != nil }.map(\.first).min { $0.offset < $1.offset }
        guard let first else { return }
        try reader.seek(toRowAt: first.offset, line: first.line)
        var seen: [String: [UInt64: [(id: Value, line: Int)]]] = [:]
        var decoder = RowDecoder(maximumDocument: maximumDocument)
        let batch = RecordBatch()
        while try reader.nextBatch(into: batch) {
            try operation.cancellation.check()
            batch.forEachRow { row in
                // Rows that cannot be read were noted by the survey.
                guard let (name, fields) = try? decoder.fields(of: row), let hashes = suspects[name] else { return }
                let found = try? decoder.withDocument(fields, line: row.line, collection: name) { document, _ in
                    document.first.map { (hash: IDHash.hash($0), id: $0.copy) }
                }
                guard let (hash, id) = found ?? nil, hashes.contains(hash) else { return }
                let earlier = seen[name]?[hash]?.first { Self.areEqual($0.id, id) }
                if let earlier {
                    survey.problems.add(
                        RowProblem(
                            line: row.line, collection: name, id: IDText.text(id),
                            reason: "the same _id stands on line \(earlier.line) already"))
                } else {
                    seen[name, default: [:]][hash, default: []].append((id, row.line))
                }
            }
        }
    }

    /// Equal as servers compare; numbers of different types count as equal where their hashes said so.
    private static func areEqual(_ left: Value, _ right: Value) -> Bool {
        left == right || left.isNumber && right.isNumber
    }
}

extension Value {
    fileprivate var isNumber: Bool {
        switch self {
        case .int32, .int64, .double, .decimal128: true
        default: false
        }
    }
}
