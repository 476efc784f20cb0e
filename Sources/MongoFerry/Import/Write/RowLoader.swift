import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Loads one collection's rows from the file into a collection of the database.
struct RowLoader {
    let reader: BackupReader
    let connection: Connection
    let survey: FileSurvey
    let rules: TypeRules?
    let jobs: Int
    let rejections: RejectionLog
    let lock: ImportLock?
    let operation: OperationContext
    /// The phase to report, if this is neither a load nor a dry run.
    var phase: OperationProgress.Phase?

    /// Collections whose document validation is bypassed, by their names in the file.
    ///
    /// Source: MongoDB manual, `bypassDocumentValidation`.
    var unvalidated: Set<String> = []

    struct Result {
        var outcome: CollectionOutcome
        /// The number of live documents that the file has as well.
        var matched: Int
        var conversions: ConversionCounts?
        /// References of the documents that were taken; nil if none were checked.
        var references: [ReferenceOutcome]?
        /// Whether more documents were blocked by others than can be tried again together.
        var hasTooManyExchanges = false
    }

    /// The references to check while rows are loaded; nil to check none.
    var references: ReferencesUnderWay?

    /// - Parameters:
    ///   - name: the collection's name in the file.
    ///   - writers: 1 if the order of insertion matters; nil for all threads.
    ///   - known: rows that the database already has, byte for byte; they are skipped.
    ///   - whereStopped: called with what was done until then, if the load fails or is interrupted.
    /// - Throws: ``MongoError``, ``BackupError``, ``FerryError``; `CancellationError`.
    func load(
        _ name: String, into namespace: Namespace, _ way: DocumentWriter.Way, isDryRun: Bool = false,
        writers: Int? = nil, known: KnownRows? = nil, whereStopped: (CollectionOutcome) -> Void = { _ in }
    ) throws -> Result {
        let watch = Stopwatch()
        var result = Result(outcome: CollectionOutcome(name: name), matched: 0)
        guard let rows = survey.rows(of: name), rows.count > 0 else { return result }
        let repeated = try way.measurementFields.map {
            try RepeatedMeasurements(in: rows, of: reader, survey, rules, $0, self.operation.cancellation)
        }
        let room = SecondAttempt.Room()
        let workers = makeWorkers(
            writers ?? jobs, rows, into: namespace, way, repeated, room, known: known, isDryRun: isDryRun)
        var isRead = false
        do {
            try reader.seek(to: rows.first)
            try BatchPass.run(
                reader, until: rows.end, workers: workers, cancellation: operation.cancellation,
                keepsDocuments: way.onlyInserts)
            result.add(workers)
            result.hasTooManyExchanges = room.isExceeded
            isRead = true
            try writePostponed(workers.flatMap(\.postponed), namespace, way, &result)
            try check(result, setAside: workers.reduce(0) { $0 + $1.setAside }, rows)
        } catch {
            whereStopped(isRead ? result.outcome : workers.reduce(into: result.outcome) { $0 += $1.settled })
            throw error
        }
        result.outcome.seconds = watch.seconds
        return result
    }

    /// Checks that these were the rows that the preflight had found.
    /// - Throws: ``FerryError``, ``BackupError``.
    private func check(_ result: Result, setAside: Int, _ rows: FileSurvey.Rows) throws {
        let name = rows.name
        guard result.outcome.read + setAside == rows.count else {
            throw FerryError(
                "\(reader.path): \(result.outcome.read.counted("row")) of \(name) read, \(rows.count.grouped) found before: the file was changed while it was read"
            )
        }
        // Every document is counted, whatever happens to it.
        guard result.outcome.settled == result.outcome.read else {
            throw FerryError(
                "\(name): of \(result.outcome.read.counted("document")) \(result.outcome.settled.grouped) were accounted for: a fault of this program",
                advice: ["`mongoferry verify` with the file and the database tells what is missing. Please report it."])
        }
        // Those that were found before were reported, and there must be no others.
        guard setAside <= survey.problems.count(of: name) else {
            throw FerryError(
                "\(reader.path): \(setAside.counted("row")) of \(name) cannot be converted, and \(survey.problems.count(of: name).grouped) could not be before: the file was changed while it was read"
            )
        }
        // Before anything is swapped in: the rows may differ from those that were found sound.
        try reader.checkUnchanged()
    }

    /// Documents of this size are written by few threads, each of which holds one of them several times; by one where
    /// the database's document is held, too.
    private static let hugeDocument = 4 << 20

    /// Creates the workers that decode a collection's rows and write them, one per thread.
    private func makeWorkers(
        _ count: Int, _ rows: FileSurvey.Rows, into namespace: Namespace, _ way: DocumentWriter.Way,
        _ repeated: RepeatedMeasurements?, _ room: SecondAttempt.Room, known: KnownRows?, isDryRun: Bool
    ) -> [LoadWorker] {
        let name = rows.name
        let done = Tally()
        let bytes = Tally()
        let (operation, connection, lock, rejections) = (operation, connection, lock, rejections)
        let bypassesValidation = unvalidated.contains(name)
        let phase = phase ?? (isDryRun ? .preflight : .load)
        // Each connection keeps room for the largest document it has carried.
        let threads = rows.largestDocument >= Self.hugeDocument ? min(count, way.onlyInserts ? 2 : 1) : count
        return (0..<connection.bounded(threads)).map { _ in
            LoadWorker(
                name: name, survey: survey, rules: rules, end: rows.end, known: known,
                tally: references?.tally(of: name), lock: lock,
                makeWriter: {
                    DocumentWriter(
                        client: try connection.pool.makeClient(), namespace: namespace, way: way, name: name,
                        isDryRun: isDryRun, hasTransactions: connection.server.supportsTransactions,
                        bypassesValidation: bypassesValidation, majorityReadConcern: connection.majorityReadConcern,
                        repeated: repeated, room: room, rejections: rejections, cancellation: operation.cancellation,
                        lock: lock)
                },
                progress: { taken, size in
                    operation.progress(
                        phase, name, records: done.add(taken), total: rows.count, bytes: bytes.add(size))
                })
        }
    }

    /// Writes the documents that were blocked by others while all were written.
    private func writePostponed(
        _ postponed: [SecondAttempt.Postponed], _ namespace: Namespace, _ way: DocumentWriter.Way,
        _ result: inout Result
    ) throws {
        guard !postponed.isEmpty else { return }
        try connection.withClient { client in
            let writer = DocumentWriter(
                client: client, namespace: namespace, way: way, name: result.outcome.name,
                bypassesValidation: unvalidated.contains(result.outcome.name), rejections: rejections,
                cancellation: operation.cancellation, lock: lock)
            writer.note(try writer.secondAttempt.run(postponed))
            result.outcome += writer.outcome
        }
    }
}

extension RowLoader.Result {
    fileprivate mutating func add(_ workers: [LoadWorker]) {
        for worker in workers {
            if let outcome = worker.outcome { self.outcome += outcome }
            matched += worker.matched + worker.passed
            if let found = worker.references { references = (references ?? []).adding(found) }
            if let counts = worker.conversions {
                if conversions == nil { conversions = counts } else { conversions?.merge(counts) }
            }
            outcome.read += worker.passed
            outcome.unchanged += worker.passed
        }
    }
}
