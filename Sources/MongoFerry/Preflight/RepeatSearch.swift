import BSON
import BackupFile
import Relations

/// Finds rows that have the same key as an earlier row of their collection: the same `_id`, or the same value of the
/// fields by which a merge finds documents.
///
/// Equal hashes show where that may be; another pass compares the keys themselves.
struct RepeatSearch {
    /// What must not be the same in two rows.
    struct Key {
        /// Nil for a row without one.
        let hash: (_ document: RawDocument, _ isLegacy: Bool) -> UInt64?
        let value: (_ document: RawDocument, _ isLegacy: Bool) -> Value?
        /// Why a row is not taken whose key stands on an earlier line.
        let reason: (_ earlier: Int) -> String
    }

    let reader: BackupReader
    let rules: TypeRules?
    let key: Key
    /// The sorted hashes of all keys, by collection.
    let hashes: [String: RecordHashes]
    let operation: OperationContext
    /// The number of keys held at once, at some 200 bytes each. To set more rows aside, the file is read several times.
    var keysAtOnce = 200_000

    /// Notes them as problems.
    /// - Throws: ``BackupError``, ``FileError``; `CancellationError`.
    func run(_ survey: inout FileSurvey) throws {
        let repeated = hashes.mapValues(\.repeated).filter { $0.value.records > 0 }
        let first = survey.rows.filter { repeated[$0.name] != nil }.map(\.first).min()
        guard let first else { return }
        let rows = repeated.values.reduce(0) { $0 + $1.records }
        if isRefused(survey, with: rows), try count(from: first, in: Set(repeated.keys), &survey) { return }
        let before = survey.linesSetAside
        let passes = (repeated.values.reduce(0) { $0 + $1.hashes } - 1) / keysAtOnce + 1
        for pass in 0..<passes {
            let suspects = repeated.keys.reduce(into: [:]) { suspects, name in
                suspects[name] = hashes[name]?.repeatedIDs { $0 % UInt64(passes) == UInt64(pass) }
            }
            try compare(from: first, suspects, survey, without: before) { problem in
                survey.linesSetAside.insert(problem.line)
                survey.problems.add(problem)
            }
        }
    }

    /// Whether so many more problems are too many to hold all keys, and to set the rows aside: even if none of those
    /// that are told were one.
    private func isRefused(_ survey: FileSurvey, with rows: Int) -> Bool {
        rows > keysAtOnce && survey.problems.count + rows - survey.problems.limit > survey.problems.lineLimit
    }

    /// Counts the rows of a file that is refused anyway, and compares only the keys of those that are told. The others
    /// are counted by the hash alone, which is wrong for one in 2^64 pairs.
    /// - Returns: false if there are not so many after all; nothing is noted then.
    private func count(from first: RowPlace, in names: Set<String>, _ survey: inout FileSurvey) throws -> Bool {
        var seen = hashes.filter { names.contains($0.key) }.mapValues { PlaceSet(count: $0.count) }
        var counts: [String: Int] = [:]
        var lines = survey.linesSetAside
        var told: [Int: String] = [:]
        var suspects: [String: Set<UInt64>] = [:]
        try forEachRow(from: first, in: names.contains, survey, without: survey.linesSetAside) {
            name, line, document, isLegacy in
            guard let hash = key.hash(document, isLegacy), let place = hashes[name]?.firstPlace(ofRepeated: hash),
                seen[name]?.insert(place) == false
            else { return }
            counts[name, default: 0] += 1
            lines.insert(line)
            guard told.count < survey.problems.limit else { return }
            told[line] = name
            suspects[name, default: []].insert(hash)
        }
        guard isRefused(survey, with: counts.values.reduce(0, +)) else { return false }
        if !told.isEmpty {
            try compare(from: first, suspects, survey, without: survey.linesSetAside) { problem in
                guard let name = told.removeValue(forKey: problem.line) else { return }
                survey.problems.add(problem)
                counts[name, default: 0] -= 1
            }
        }
        // Only their hashes are the same.
        for (line, name) in told {
            lines.remove(line)
            counts[name, default: 0] -= 1
        }
        survey.linesSetAside = lines
        for (name, count) in counts { survey.problems.add(untold: count, of: name) }
        return true
    }

    /// Calls `body` with a problem for each row whose key an earlier one has.
    /// - Parameter suspects: the hashes of the keys to look at.
    private func compare(
        from first: RowPlace, _ suspects: [String: Set<UInt64>], _ survey: FileSurvey, without lines: LineSet,
        _ body: (RowProblem) -> Void
    ) throws {
        var seen: [String: [UInt64: [(value: Value, line: Int)]]] = [:]
        try forEachRow(from: first, in: { suspects[$0] != nil }, survey, without: lines) {
            name, line, document, isLegacy in
            guard let hash = key.hash(document, isLegacy), suspects[name]?.contains(hash) == true,
                let value = key.value(document, isLegacy)
            else { return }
            if let earlier = seen[name]?[hash]?.first(where: { ServerEquality.areEqual($0.value, value) }) {
                body(
                    RowProblem(
                        line: line, collection: name, id: document.first.map(IDText.text),
                        reason: key.reason(earlier.line)))
            } else {
                seen[name, default: [:]][hash, default: []].append((value, line))
            }
        }
    }

    /// - Parameter lines: those of rows that are not taken anyway.
    private func forEachRow(
        from first: RowPlace, in wanted: (String) -> Bool, _ survey: FileSurvey, without lines: LineSet,
        _ body: (_ name: String, _ line: Int, _ document: RawDocument, _ isLegacy: Bool) -> Void
    ) throws {
        var decoder = ConvertingDecoder(survey: survey, rules: rules)
        try reader.forEachBatch(from: first) { batch in
            try operation.cancellation.check()
            batch.forEachRow { row in
                if lines.contains(row.line) { return }
                decoder.withDocument(row, in: wanted) { body($0, row.line, $1, $2) }
            }
        }
    }
}
