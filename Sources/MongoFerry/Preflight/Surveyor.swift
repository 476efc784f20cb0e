import BSON
import BackupFile
import Foundation
import Relations

/// Makes a ``FileSurvey``.
struct Surveyor {
    let reader: BackupReader
    let jobs: Int
    let maximumDocument: Int
    /// The number of problems that are kept with their texts.
    let problemLimit: Int
    /// The number of problems up to which all lines are kept.
    var lineLimit = 0
    /// Hashes the documents as well; nil if no hashes are needed.
    var contents: ContentHash?
    /// Whether measurements will be in a time series as the file describes it; their times are then checked.
    var checksTimes = false
    /// Whether rows of a file without metadata may be the old application's.
    var takesLegacyRows = true
    let operation: OperationContext

    private static let worthReserving = 1_000_000
    /// The most rows for which to reserve memory, at 16 bytes each; beyond that, it grows as they come.
    private static let mostReserved = 64 << 20
    /// The bytes of the smallest row: `c,"{""_id"":1}"` and its line end.
    private static let smallestRow = 15

    private var measurements: [ExactName: TimeField] {
        let series = reader.metadata?.collections.filter { $0.kind == .timeseries } ?? []
        return Dictionary(
            series.map { entry in
                let name = entry.options.timeField
                return (ExactName(entry.name), name.flatMap { checksTimes ? TimeField.checked($0) : nil } ?? .unchecked)
            }
        ) { first, _ in first }
    }

    /// Whether rows without wrappers may be the old application's.
    var isLegacy: Bool { reader.metadata == nil && takesLegacyRows }

    /// Reads the whole file from its first row.
    /// - Throws: ``BackupError`` if reading cannot go on and nothing is wrong with what was read; ``FileError``;
    ///   `CancellationError`.
    func run() throws -> FileSurvey {
        let hashes = makeHashes()
        let names = SurveyedNames(of: reader)
        let measurements = measurements
        let workers = (0..<jobs).map { _ in
            SurveyWorker(self, measurements: measurements, hashes: hashes, names: names)
        }
        let damage = try read(workers)
        if damage == nil { try reader.checkUnchanged() }
        var survey = merged(workers, hashes)
        if let damage {
            // By itself, it says best what is wrong and what to do.
            guard survey.problems.count > 0 || !survey.fileProblems.isEmpty else { throw damage }
            survey.fileProblems.append("\(damage.line.map { "line \($0): " } ?? "")\(damage.reason)")
            survey.isCutShort = true
            return survey
        }
        survey.measurements = measurements
        try LegacySecondLook(reader: reader, operation: operation).run(&survey)
        // Before duplicates are noted, whose rows are counted already.
        var unknown = UnknownNames()
        for worker in workers { unknown.merge(worker.unknown) }
        checkSeal(&survey, unknown)
        try DuplicateSearch(reader: reader, operation: operation).run(&survey)
        return survey
    }

    /// Room for the hashes of as many records as the metadata says, in large collections.
    private func makeHashes() -> SharedHashes<String> {
        let hashes = SharedHashes<String>()
        // Whatever the metadata says, there are no more rows than fit into the file.
        var room = min(reader.uncompressedSize.map { $0 / Self.smallestRow } ?? reader.fileSize, Self.mostReserved)
        for entry in reader.metadata?.collections ?? [] where entry.records > Self.worthReserving {
            let count = min(entry.records, room)
            room -= count
            hashes.reserve(count, for: entry.name, withDocuments: contents != nil)
        }
        return hashes
    }

    /// - Returns: why not all could be read; nil if all was.
    private func read(_ workers: [SurveyWorker]) throws -> BackupError? {
        let total = reader.metadata.map(\.records)
        let totalBytes = reader.uncompressedSize
        let (done, bytes) = (Tally(), Tally())
        return try HugeBlocks.rows.keeping(2) {
            try HugeBlocks.documents.keeping(2) {
                try BatchPass.run(
                    reader, workers: workers, cancellation: operation.cancellation, pace: .ahead,
                    endsAtDamage: true
                ) { [operation] batch in
                    operation.progress(
                        .preflight, records: done.add(batch.count), total: total, bytes: bytes.add(batch.byteCount),
                        totalBytes: totalBytes)
                }
            }
        }
    }

    private func merged(_ workers: [SurveyWorker], _ hashes: SharedHashes<String>) -> FileSurvey {
        var survey = FileSurvey(
            problems: ProblemList(limit: problemLimit, lineLimit: lineLimit), maximumDocument: maximumDocument)
        for worker in workers {
            survey.problems.merge(worker.problems)
            survey.hasLargeLegacyRows = survey.hasLargeLegacyRows || worker.hasLargeRows
        }
        let rows = mergedRows(workers, &survey.fileProblems)
        survey.fileProblems += workers.flatMap(\.brokenRows).sorted { $0.line < $1.line }.map(\.text)
        survey.unreadable = survey.problems.counts
        survey.setRows(rows)
        for index in survey.rows.indices { survey.setIDs(hashes.take(survey.rows[index].name), at: index) }
        if isLegacy { noteKinds(workers, &survey) }
        return survey
    }

    /// - Parameter faults: receives what is wrong with the collections' names.
    private func mergedRows(_ workers: [SurveyWorker], _ faults: inout [String]) -> [FileSurvey.Rows] {
        var byName: [String: FileSurvey.Rows] = [:]
        for (name, rows) in workers.lazy.flatMap(\.rows) {
            var known = byName[name] ?? FileSurvey.Rows(name: name)
            if !known.name.hasSameBytes(as: rows.name) {
                faults.append("two collections have names that look the same: \(name)")
            }
            known.count += rows.count
            known.first = min(known.first, rows.first)
            known.end = max(known.end, rows.end)
            known.escaped += rows.escaped
            known.bytes += rows.bytes
            known.largestDocument = max(known.largestDocument, rows.largestDocument)
            byName[name] = known
        }
        return byName.values.sorted { $0.first < $1.first }
    }

    /// Notes which rows are the old application's, now that all have been seen.
    private func noteKinds(_ workers: [SurveyWorker], _ survey: inout FileSurvey) {
        let hasWrappers = workers.contains { $0.wrappedCount > 0 }
        survey.legacyRows = hasWrappers ? .withHexadecimalID : .all
        var unmarked = LegacyInference()
        for worker in workers {
            survey.kinds.legacy += worker.hexadecimalCount + (hasWrappers ? 0 : worker.otherCount)
            survey.kinds.extended += worker.wrappedCount + (hasWrappers ? worker.otherCount : 0)
            survey.kinds.extendedWithTextID += worker.wrappedWithTextID
            survey.kinds.firstWrapped = min(survey.kinds.firstWrapped, worker.firstWrapped)
            survey.inference.merge(worker.hexadecimalRows)
            guard hasWrappers else {
                survey.inference.merge(worker.otherRows)
                continue
            }
            unmarked.merge(worker.otherRows)
            for (name, rows) in worker.otherRows.rows {
                survey.unmarkedRows[ExactName(name), default: 0] += rows
            }
        }
        survey.unmarkedLookAlikes = unmarked.lookAlikes
    }

    /// Compares the rows with the seal, and the seal with the counts in the metadata.
    private func checkSeal(_ survey: inout FileSurvey, _ unknown: UnknownNames) {
        guard let metadata = reader.metadata else { return }
        guard let seal = reader.seal else {
            survey.fileProblems.append("the seal is missing: the file was cut, or is still being written")
            return
        }
        let contradictions = metadata.contradictions(with: seal)
        guard metadata.hasCollections(of: seal) else {
            survey.fileProblems += contradictions
            return
        }
        if let digest = reader.digest, digest != seal.sha256 {
            survey.fileProblems.append(
                "the seal does not fit: bytes were changed, lost or added since the file was written")
        }
        // A row that cannot be read is a problem of its own; the counts include all rows.
        var counts = Dictionary(uniqueKeysWithValues: survey.rows.map { (ExactName($0.name), $0.count) })
        counts.merge(survey.unreadable, uniquingKeysWith: +)
        for (name, count) in seal.records {
            let found = counts[ExactName(name), default: 0]
            guard found != count else { continue }
            survey.fileProblems.append(
                "the seal says \(count.counted("record")) of \(BackupMetadata.shown(name)), there \(found == 1 ? "is" : "are") \(found.grouped)"
            )
        }
        for (name, line) in unknown.sorted {
            let reason = metadata.collection(named: name) == nil ? "the metadata do not know" : "is a view"
            survey.fileProblems.append("line \(line): rows of \(BackupMetadata.shown(name)), which \(reason)")
        }
        survey.fileProblems += contradictions
    }
}
