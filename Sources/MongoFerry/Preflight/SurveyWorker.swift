import BSON
import BackupFile
import Relations

/// One thread's part of a survey.
final class SurveyWorker: BatchWorker {
    private var decoder: RowDecoder
    private let isLegacy: Bool
    private let skipsEmptyLines: Bool
    private let contents: ContentHash?
    private(set) var rows: [String: FileSurvey.Rows] = [:]
    private(set) var problems: ProblemList
    /// Names of rows that are not in the metadata.
    private(set) var unknown = UnknownNames()
    /// Text that cannot be read and is not just one bad row, in files that nothing else shows to be damaged: with a
    /// missing or extra quote, everything up to the next one is read as one row, and must not be set aside as such. The
    /// same is true of half a row at the end: more rows were lost with the other half.
    private(set) var brokenRows: [(line: Int, text: String)] = []
    private let maximumDocument: Int
    private(set) var hasLargeRows = false
    private(set) var wrappedCount = 0
    private(set) var wrappedWithTextID = 0
    private(set) var firstWrapped = Int.max
    private(set) var hexadecimalCount = 0
    private(set) var hexadecimalRows: LegacyInference
    private(set) var otherCount = 0
    private(set) var otherRows: LegacyInference

    private let hashes: SharedHashes<String>
    private let names: SurveyedNames

    init(
        _ surveyor: Surveyor, measurements: [ExactName: TimeField], hashes: SharedHashes<String>, names: SurveyedNames
    ) {
        isLegacy = surveyor.isLegacy
        skipsEmptyLines = surveyor.reader.metadata == nil
        contents = surveyor.contents
        maximumDocument = surveyor.maximumDocument
        problems = ProblemList(limit: surveyor.problemLimit, lineLimit: surveyor.lineLimit)
        // Until the whole file has been read, any row may be the old application's.
        decoder = RowDecoder(
            maximumDocument: maximumDocument,
            maximumRow: FileSurvey.maximumRow(maximumDocument, isLegacy: isLegacy),
            measurements: measurements, legacyRows: isLegacy ? .all : .none)
        let maximumIDs = LegacyInference.usualMaximum / surveyor.jobs
        hexadecimalRows = LegacyInference(maximumIDs: maximumIDs)
        otherRows = LegacyInference(maximumIDs: maximumIDs)
        self.hashes = hashes
        self.names = names
    }

    /// - Throws: ``BackupError`` for more collections than can be held.
    func look(at batch: RecordBatch) throws {
        // Removed from the dictionary while rows of one collection follow each other.
        var current = FileSurvey.Rows(name: "")
        // A local copy, since a property of an object is copied or checked at each use.
        var decoder = decoder
        defer { self.decoder = decoder }
        try batch.forEachRow { row in
            if skipsEmptyLines, row.bytes.isEmpty { return }
            do {
                let (name, fields) = try decoder.fields(of: row)
                if !name.hasSameBytes(as: current.name) {
                    if name != current.name {
                        keep(&current)
                        current = rows.removeValue(forKey: name) ?? FileSurvey.Rows(name: "")
                        if current.name.isEmpty {
                            guard try names.include(name) else {
                                return unknown.add(name, line: row.line)
                            }
                            current.name = name
                        }
                    }
                    // Equal in Swift but not to a server: composed and decomposed characters.
                    guard name.hasSameBytes(as: current.name) else {
                        throw RowProblem(
                            line: row.line, collection: name,
                            reason: "the collection's name looks the same as another's but has other bytes")
                    }
                }
                try take(row, fields, &current, &decoder)
            } catch let problem as RowProblem {
                let isNoted = skipsEmptyLines && problem.isUnreadable && noteBroken(row, problem)
                if !isNoted { problems.add(problem) }
            } catch let error as BackupError {
                throw error
            } catch {
                problems.add(RowProblem(line: row.line, collection: current.name, reason: "\(error)"))
            }
        }
        keep(&current)
    }

    /// - Returns: whether it is more than one bad row to be set aside, and was noted here.
    private func noteBroken(_ row: borrowing RecordBatch.Row, _ problem: RowProblem) -> Bool {
        guard !row.mayBePart else {
            brokenRows.append(
                (
                    row.line,
                    "line \(row.line): the file ends in this row, which cannot be read (\(problem.reason)): it was cut, or its last row is broken"
                )
            )
            return true
        }
        // Left by a crash or a bad disk: there may have been more rows.
        guard !row.bytes.contains(0) else {
            brokenRows.append((row.line, "line \(row.line): zeros stand in this row: bytes were lost"))
            return true
        }
        let lines = row.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let lineEnds = lines.count - 1
        guard brokenRows.count < Self.mostBroken,
            lines.dropFirst().contains(where: { RowBeginning.isLikely(UnsafeRawBufferPointer(rebasing: $0)) })
        else {
            return false
        }
        brokenRows.append(
            (
                row.line,
                "line \(row.line): one row up to line \(row.line + lineEnds), which cannot be read (\(problem.reason)): in one of these lines a quote is missing, or one too many"
            ))
        return true
    }

    /// Nobody reads more.
    private static let mostBroken = 20

    private func keep(_ current: inout FileSurvey.Rows) {
        guard !current.name.isEmpty else { return }
        hashes.add(current.ids, to: current.name)
        current.ids.removeAll()
        rows[current.name] = current
    }

    private func take(
        _ row: borrowing RecordBatch.Row, _ fields: RowFields, _ rows: inout FileSurvey.Rows,
        _ decoder: inout RowDecoder
    ) throws {
        if row.offset < rows.first.offset { rows.first = RowPlace(offset: row.offset, line: row.line) }
        rows.end = max(rows.end, row.end)
        let (hash, content, size, escaped) = try decoder.withDocument(fields, line: row.line, collection: rows.name) {
            document, traits in
            if isLegacy { try infer(document, traits.contains(.wrapper), rows.name, line: row.line) }
            guard let id = document.first else { return (UInt64(0), UInt64?.none, 0, false) }
            let hash = RowID(id, isLegacy: isLegacy && !traits.contains(.wrapper)).hash
            return (hash, contents?.hash(document.bytes), document.bytes.count, traits.contains(.rawBSON))
        }
        rows.count += 1
        if decoder.measurements[ExactName(rows.name)] == nil { rows.ids.append(hash, document: content) }
        rows.bytes += size
        rows.largestDocument = max(rows.largestDocument, size)
        if size > maximumDocument / Self.mostGrowth { hasLargeRows = true }
        if escaped { rows.escaped += 1 }
    }

    /// The factor by which conversion makes legacy rows larger at most: an integer of 4 bytes takes 16 as a decimal,
    /// and at least 2 more with its type and name.
    private static let mostGrowth = 3

    private func infer(_ document: RawDocument, _ hasWrapper: Bool, _ name: String, line: Int) throws {
        if hasWrapper {
            wrappedCount += 1
            firstWrapped = min(firstWrapped, line)
            if FileSurvey.LegacyRows.hasHexadecimalID(document) { wrappedWithTextID += 1 }
        } else if FileSurvey.LegacyRows.hasHexadecimalID(document) {
            hexadecimalCount += 1
            try hexadecimalRows.add(document, in: name)
        } else {
            otherCount += 1
            try otherRows.add(document, in: name)
        }
    }
}
