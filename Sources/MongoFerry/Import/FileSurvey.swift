import BSON
import BackupFile
import Foundation
import Relations

/// What one pass over a whole file found, without keeping its rows.
struct FileSurvey: Sendable {
    /// Rows of one collection.
    struct Rows: Sendable {
        var name: String
        var count = 0
        /// Where its first row starts and its last one ends, in decompressed bytes; other collections' rows may stand
        /// between them in a legacy file.
        var first = (offset: Int.max, line: 0)
        var end = 0
        /// A hash of each `_id` as it will be in the database, sorted, and of each document where the import wants to compare them.
        var ids = RecordHashes()
        /// Rows whose document was carried as `$rawBSON`.
        var escaped = 0
        /// Bytes of the documents.
        var bytes = 0

        init(name: String) { self.name = name }
    }

    /// In the order of their first rows.
    var rows: [Rows] = []
    /// Names of the time series among them, whose `_id`s say nothing.
    var measurements: Set<String> = []
    var problems: ProblemList
    /// Bytes of the largest document that the server takes.
    var maximumDocument: Int
    /// Whether there are legacy rows whose documents are larger, and may become small enough by conversion.
    var hasLargeLegacyRows = false
    /// Lines of rows whose `_id` stands on an earlier line: an import that sets them aside must not write them.
    var repeatedLines: Set<Int> = []
    /// What is wrong with the file as a whole.
    var fileProblems: [String] = []
    var inference = LegacyInference()
    /// Whether the rows are the old application's `JSON.stringify` output, at least in part.
    var legacyRows = LegacyRows.none
    /// How many rows of a bare CSV are read as what.
    var kinds = RowKinds()

    struct RowKinds: Sendable {
        var legacy = 0
        var extended = 0

        var isMixed: Bool { legacy > 0 && extended > 0 }

        /// What is said of a file that has both.
        var text: String {
            "rows are of two kinds: \(legacy.grouped) the old application's, \(extended.grouped) Extended JSON"
        }
    }

    enum LegacyRows: Sendable {
        case none
        /// No row has a wrapper of Extended JSON: all are.
        case all
        /// Some rows are Extended JSON: those without wrappers whose `_id` is 24 hexadecimal digits are not. Of the others
        /// without wrappers nobody can tell, and what is taken for Extended JSON stays as it is.
        case withHexadecimalID

        /// Whether a row is converted by type rules.
        func includes(_ document: RawDocument, hasWrapper: Bool) -> Bool {
            switch self {
            case .none: return false
            case _ where hasWrapper: return false
            case .all: return true
            case .withHexadecimalID: return LegacyRows.hasHexadecimalID(document)
            }
        }

        static func hasHexadecimalID(_ document: RawDocument) -> Bool {
            guard let id = document["_id"], id.type == .string, let text = id.stringBytes else { return false }
            return ObjectID(hex: text) != nil
        }
    }

    /// Bytes of the largest document that is read from a row: an ObjectId or a date takes four times as much as a text.
    var maximumRow: Int { Self.maximumRow(maximumDocument, isLegacy: legacyRows != .none) }

    static func maximumRow(_ maximumDocument: Int, isLegacy: Bool) -> Int {
        isLegacy ? maximumDocument * 4 : maximumDocument
    }

    func rows(of name: String) -> Rows? { rows.first { $0.name == name } }
    var count: Int { rows.reduce(0) { $0 + $1.count } }
}

/// Makes a ``FileSurvey``.
struct Surveyor {
    let reader: BackupReader
    let jobs: Int
    let maximumDocument: Int
    /// Problems that are kept with their texts.
    let problemLimit: Int
    /// Hashes the documents too; nil where nobody wants to know.
    var contents: ContentHash?
    let operation: OperationContext

    /// Reads the whole file from its first row.
    /// - Throws: ``BackupError`` where reading cannot go on; ``FileError``; `CancellationError`.
    func run() throws -> FileSurvey {
        let isLegacy = reader.metadata == nil
        let total = reader.metadata.map(\.records)
        let done = Tally()
        let bytes = Tally()
        let totalBytes = reader.uncompressedSize
        let measurements = Set(reader.metadata?.collections.filter { $0.kind == .timeseries }.map(\.name) ?? [])
        let hashes = SharedHashes<String>()
        let names = SurveyedNames(of: reader)
        let workers = (0..<jobs).map { _ in
            SurveyWorker(
                // Until the whole file has been read, each row may be the old application's.
                RowDecoder(
                    maximumDocument: maximumDocument,
                    maximumRow: FileSurvey.maximumRow(maximumDocument, isLegacy: isLegacy),
                    measurements: measurements, legacyRows: isLegacy ? .all : .none),
                problemLimit: problemLimit, maximumDocument: maximumDocument, isLegacy: isLegacy, contents: contents,
                hashes: hashes, names: names)
        }
        let operation = operation
        try HugeBlocks.shared.keeping(2) {
            try BatchPass.run(
                reader, readsHugeAhead: true, cancellation: operation.cancellation,
                workers: workers.map { worker in
                    { @Sendable batch in
                        try worker.look(at: batch)
                        operation.progress(
                            .preflight, records: done.add(batch.count), total: total, bytes: bytes.add(batch.byteCount),
                            totalBytes: totalBytes)
                    }
                })
        }
        try reader.checkUnchanged()
        var survey = merged(workers, hashes, isLegacy: isLegacy)
        survey.measurements = measurements
        try LegacySecondLook(reader: reader, operation: operation).run(&survey)
        // Before duplicates are noted: those rows are counted already.
        var unknown = UnknownNames()
        for worker in workers { unknown.merge(worker.unknown) }
        checkSeal(&survey, unknown)
        try DuplicateSearch(reader: reader, operation: operation).run(&survey)
        return survey
    }

    private func merged(_ workers: [SurveyWorker], _ hashes: SharedHashes<String>, isLegacy: Bool) -> FileSurvey {
        var survey = FileSurvey(problems: ProblemList(limit: problemLimit), maximumDocument: maximumDocument)
        var byName: [String: FileSurvey.Rows] = [:]
        var hasWrappers = false
        for worker in workers {
            survey.problems.merge(worker.problems)
            hasWrappers = hasWrappers || worker.wrappedCount > 0
            survey.hasLargeLegacyRows = survey.hasLargeLegacyRows || worker.hasLargeRows
            for (name, rows) in worker.rows {
                var known = byName[name] ?? FileSurvey.Rows(name: name)
                if !known.name.hasSameBytes(as: rows.name) {
                    survey.fileProblems.append("two collections have names that look the same: \(name)")
                }
                known.count += rows.count
                if rows.first.offset < known.first.offset { known.first = rows.first }
                known.end = max(known.end, rows.end)
                known.escaped += rows.escaped
                known.bytes += rows.bytes
                byName[name] = known
            }
        }
        survey.rows = byName.values.sorted { $0.first.offset < $1.first.offset }
        for index in survey.rows.indices {
            survey.rows[index].ids = hashes.take(survey.rows[index].name)
        }
        if isLegacy {
            survey.legacyRows = hasWrappers ? .withHexadecimalID : .all
            for worker in workers {
                survey.kinds.legacy += worker.hexadecimalCount + (hasWrappers ? 0 : worker.otherCount)
                survey.kinds.extended += worker.wrappedCount + (hasWrappers ? worker.otherCount : 0)
                survey.inference.merge(worker.hexadecimalRows)
                if !hasWrappers { survey.inference.merge(worker.otherRows) }
            }
        }
        return survey
    }

    /// Holds the rows against the seal and against the counts at the top.
    private func checkSeal(_ survey: inout FileSurvey, _ unknown: UnknownNames) {
        guard let metadata = reader.metadata else { return }
        guard let seal = reader.seal else {
            survey.fileProblems.append("the seal is missing: the file was cut, or is still being written")
            return
        }
        let stored = metadata.collections.filter { $0.kind != .view }.map(\.name)
        guard seal.records.elementsEqual(stored, by: { $0.name.hasSameBytes(as: $1) }) else {
            survey.fileProblems.append("the seal names other collections than the metadata")
            return
        }
        if let digest = reader.digest, digest != seal.sha256 {
            survey.fileProblems.append(
                "the seal does not fit: bytes were changed, lost or added since the file was written")
        }
        // A row that cannot be read is a problem of its own; the counts are of all rows.
        var counts = Dictionary(uniqueKeysWithValues: survey.rows.map { ($0.name, $0.count) })
        counts.merge(survey.problems.counts, uniquingKeysWith: +)
        for (name, count) in seal.records where counts[name, default: 0] != count {
            survey.fileProblems.append(
                "the seal says \(count) records of \(BackupMetadata.shown(name)), there are \(counts[name, default: 0])"
            )
        }
        for (name, line) in unknown.sorted {
            let reason = metadata.collection(named: name) == nil ? "the metadata do not know" : "is a view"
            survey.fileProblems.append("line \(line): rows of \(BackupMetadata.shown(name)), which \(reason)")
        }
        if metadata.countsAreExact {
            let sealedCounts = Dictionary(seal.records.map { ($0.name, $0.count) }) { first, _ in first }
            for entry in metadata.collections where entry.kind != .view {
                let sealed = sealedCounts[entry.name] ?? 0
                if sealed != entry.records {
                    survey.fileProblems.append(
                        "the metadata say \(entry.records) records of \(BackupMetadata.shown(entry.name)), the seal says \(sealed)"
                    )
                }
            }
        }
    }
}

/// One thread's part of a survey.
// @unchecked: one thread at a time; read by the surveyor after the pass has ended.
private final class SurveyWorker: @unchecked Sendable {
    private var decoder: RowDecoder
    private let isLegacy: Bool
    private let contents: ContentHash?
    private(set) var rows: [String: FileSurvey.Rows] = [:]
    private(set) var problems: ProblemList
    /// Names of rows that the metadata do not know.
    private(set) var unknown = UnknownNames()
    private let maximumDocument: Int
    private(set) var hasLargeRows = false
    private(set) var wrappedCount = 0
    private(set) var hexadecimalCount = 0
    private(set) var hexadecimalRows = LegacyInference()
    private(set) var otherCount = 0
    private(set) var otherRows = LegacyInference()

    private let hashes: SharedHashes<String>
    private let names: SurveyedNames

    init(
        _ decoder: RowDecoder, problemLimit: Int, maximumDocument: Int, isLegacy: Bool, contents: ContentHash?,
        hashes: SharedHashes<String>, names: SurveyedNames
    ) {
        self.names = names
        self.maximumDocument = maximumDocument
        self.decoder = decoder
        self.hashes = hashes
        self.contents = contents
        problems = ProblemList(limit: problemLimit)
        self.isLegacy = isLegacy
    }

    /// - Throws: ``BackupError`` for more collections than can be held.
    func look(at batch: RecordBatch) throws {
        // Taken out of the dictionary while rows of one collection follow each other.
        var current = FileSurvey.Rows(name: "")
        // A value of its own while it works: what belongs to an object is copied or checked at each use.
        var decoder = decoder
        defer { self.decoder = decoder }
        try batch.forEachRow { row in
            if isLegacy, row.bytes.isEmpty { return }
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
                    // Equal to Swift, but not to a server: composed and decomposed characters.
                    guard name.hasSameBytes(as: current.name) else {
                        throw RowProblem(
                            line: row.line, collection: name,
                            reason: "the collection's name looks the same as another's but has other bytes")
                    }
                }
                try take(row, fields, &current, decoder)
            } catch let problem as RowProblem {
                problems.add(problem)
            } catch let error as BackupError {
                throw error
            } catch {
                problems.add(RowProblem(line: row.line, collection: current.name, reason: "\(error)"))
            }
        }
        keep(&current)
    }

    private func keep(_ current: inout FileSurvey.Rows) {
        guard !current.name.isEmpty else { return }
        hashes.add(current.ids, to: current.name)
        current.ids.removeAll()
        rows[current.name] = current
    }

    private func take(
        _ row: borrowing RecordBatch.Row, _ fields: RowFields, _ rows: inout FileSurvey.Rows, _ decoder: RowDecoder
    ) throws {
        if row.offset < rows.first.offset { rows.first = (row.offset, row.line) }
        rows.end = max(rows.end, row.end)
        let (hash, content, size, escaped) = try decoder.withDocument(fields, line: row.line, collection: rows.name) {
            document, traits in
            if isLegacy { try infer(document, traits.contains(.wrapper), rows.name) }
            guard let id = document.first else { return (UInt64(0), UInt64?.none, 0, false) }
            let hash = RowID(id, isLegacy: isLegacy && !traits.contains(.wrapper)).hash
            return (hash, contents?.hash(document.bytes), document.bytes.count, traits.contains(.rawBSON))
        }
        rows.count += 1
        if !decoder.measurements.contains(rows.name) { rows.ids.append(hash, document: content) }
        rows.bytes += size
        if size > maximumDocument { hasLargeRows = true }
        if escaped { rows.escaped += 1 }
    }

    private func infer(_ document: RawDocument, _ hasWrapper: Bool, _ name: String) throws {
        if hasWrapper {
            wrappedCount += 1
        } else if FileSurvey.LegacyRows.hasHexadecimalID(document) {
            hexadecimalCount += 1
            try hexadecimalRows.add(document, in: name)
        } else {
            otherCount += 1
            try otherRows.add(document, in: name)
        }
    }
}
