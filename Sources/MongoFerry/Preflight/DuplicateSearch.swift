import BSON
import BackupFile
import Relations

/// Finds rows of one collection with the same `_id`.
///
/// The survey has a hash of each `_id`; if two are equal, another pass compares the `_id`s themselves.
struct DuplicateSearch {
    let reader: BackupReader
    let operation: OperationContext

    /// The number of `_id`s held at once, at some 200 bytes each. For more, the file is read several times, but at most
    /// ``mostPasses`` times; above that, each pass holds more.
    var idsAtOnce = 200_000
    private static let mostPasses = 16

    /// - Parameters:
    ///   - rules: how `_id`s are converted, if in a way that ``RowID`` does not know.
    ///   - names: the collections to which these rules apply; the others were searched before.
    func run(_ survey: inout FileSurvey, rules: TypeRules? = nil, in names: Set<String>? = nil) throws {
        var suspects: [String: Set<UInt64>] = [:]
        for rows in survey.rows where names?.contains(rows.name) ?? true {
            let hashes = rows.ids.repeatedIDs
            if !hashes.isEmpty { suspects[rows.name] = hashes }
        }
        guard !suspects.isEmpty else { return }
        let first = survey.rows.filter { suspects[$0.name] != nil }.map(\.first).min()
        guard let first else { return }
        let count = suspects.values.reduce(0) { $0 + $1.count }
        let passes = min(Self.mostPasses, (count - 1) / idsAtOnce + 1)
        for pass in 0..<passes {
            try search(from: first, &survey, rules, suspects) { $0 % UInt64(passes) == UInt64(pass) }
        }
    }

    /// - Parameter isLookedAt: whether a hash belongs to this pass.
    private func search(
        from first: RowPlace, _ survey: inout FileSurvey, _ rules: TypeRules?, _ suspects: [String: Set<UInt64>],
        _ isLookedAt: (UInt64) -> Bool
    ) throws {
        var seen: [String: [UInt64: [(id: Value, line: Int)]]] = [:]
        var decoder = ConvertingDecoder(survey: survey, rules: rules)
        try reader.forEachBatch(from: first) { batch in
            try operation.cancellation.check()
            batch.forEachRow { row in
                decoder.withDocument(row, in: { suspects[$0] != nil }) { name, document, isLegacy in
                    guard let first = document.first else { return }
                    let id = RowID(first, isLegacy: isLegacy && rules == nil)
                    let hash = id.hash
                    guard isLookedAt(hash), suspects[name]?.contains(hash) == true else { return }
                    let value = id.value
                    // Noted already, before the effect of the rules was known.
                    if survey.linesSetAside.contains(row.line) { return }
                    if let earlier = seen[name]?[hash]?.first(where: { ServerEquality.areEqual($0.id, value) }) {
                        survey.linesSetAside.insert(row.line)
                        survey.problems.add(
                            RowProblem(
                                line: row.line, collection: name, id: IDText.text(first),
                                reason: "the same _id stands on line \(earlier.line) already"))
                    } else {
                        seen[name, default: [:]][hash, default: []].append((value, row.line))
                    }
                }
            }
        }
    }
}
