import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Takes one collection's rows from the file, and writes them to a collection of the database or counts what that would
/// do.
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
    /// How much is written at once to the collections that have a validator, by their names in the file.
    var limits: [String: BatchLimit] = [:]

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

    /// Writes the rows.
    /// - Parameters:
    ///   - name: the collection's name in the file.
    ///   - writers: 1 if the order of insertion matters; nil for all threads.
    ///   - known: rows that the database already has, byte for byte; they are skipped.
    ///   - whereStopped: called with what was done until then, if the load fails or is interrupted.
    /// - Throws: ``MongoError``, ``BackupError``, ``FerryError``; `CancellationError`.
    func load(
        _ name: String, into namespace: Namespace, _ way: WriteWay, writers: Int? = nil, known: KnownRows? = nil,
        whereStopped: (CollectionOutcome) -> Void = { _ in }
    ) throws -> Result {
        try pass(name, namespace, way, writers ?? jobs, known, phase ?? .load, whereStopped) {
            DocumentWriter(client: $0, target: $1, way: way)
        }
    }

    /// Counts what writing the rows would do, and writes nothing.
    /// - Parameters:
    ///   - name: the collection's name in the file.
    ///   - known: rows that the database already has, byte for byte; they are not looked up.
    ///   - differences: takes examples of what a merge would find missing or different.
    /// - Throws: as ``load(_:into:_:writers:known:whereStopped:)``.
    func count(
        _ name: String, in namespace: Namespace, _ way: WriteWay, known: KnownRows? = nil,
        differences: DifferenceLog? = nil
    ) throws -> Result {
        try pass(name, namespace, way, jobs, known, phase ?? .preflight) {
            DocumentCounter(client: $0, target: $1, way: way, differences: differences)
        }
    }

    private func pass(
        _ name: String, _ namespace: Namespace, _ way: WriteWay, _ threads: Int, _ known: KnownRows?,
        _ phase: OperationProgress.Phase, _ whereStopped: (CollectionOutcome) -> Void = { _ in },
        makeSink: @escaping @Sendable (Client, LoadTarget) -> any DocumentSink
    ) throws -> Result {
        let watch = Stopwatch()
        var result = Result(outcome: CollectionOutcome(name: name), matched: 0)
        guard let rows = survey.rows(of: name), rows.count > 0 else { return result }
        let repeated = try way.measurementFields.map {
            try RepeatedMeasurements(in: rows, of: reader, survey, rules, $0, self.operation.cancellation)
        }
        let target = LoadTarget(
            connection: connection, namespace: namespace, name: name, bypassesValidation: unvalidated.contains(name),
            limit: unvalidated.contains(name) ? .usual : limits[name] ?? .usual, repeated: repeated,
            rejections: rejections, cancellation: operation.cancellation, lock: lock)
        let pool = connection.pool
        let workers = makeWorkers(self.threads(for: rows, way, atMost: threads), rows, known, phase) {
            makeSink(try pool.makeClient(), target)
        }
        var isRead = false
        do {
            try reader.seek(to: rows.first)
            try BatchPass.run(
                reader, until: rows.end, workers: workers, cancellation: operation.cancellation,
                pace: way.onlyInserts ? .whileDocumentsAreKept : .afterTheLast)
            result.add(workers)
            result.hasTooManyExchanges = target.room.isExceeded
            isRead = true
            try writePostponed(workers.flatMap(\.postponed), target, way, &result)
            try check(result, setAside: workers.reduce(0) { $0 + $1.setAside }, rows)
        } catch {
            let outcome = isRead ? result.outcome : workers.reduce(into: result.outcome) { $0 += $1.outcomeSoFar }
            whereStopped(outcome.ofSettled)
            throw error
        }
        result.outcome.seconds = watch.seconds
        return result
    }

    /// Checks that these were the rows that the preflight had found.
    /// - Throws: ``FerryError``, ``BackupError``.
    private func check(_ result: Result, setAside: Int, _ rows: FileSurvey.Rows) throws {
        let name = rows.name
        // Before anything is swapped in: the rows may differ from those that were found sound.
        try reader.checkUnchanged()
        guard result.outcome.read + setAside == rows.count else {
            throw changed("\(result.outcome.read.counted("row")) of \(name) read, \(rows.count.grouped) found before")
        }
        // Every document is counted, whatever happens to it.
        guard result.outcome.settled == result.outcome.read else {
            throw FerryError(
                "\(name): of \(result.outcome.read.counted("document")) \(result.outcome.settled.grouped) were accounted for: a fault of this program",
                advice: ["`mongoferry verify` with the file and the database tells what is missing. Please report it."])
        }
        // Those that were found before were reported, and there must be no others.
        guard setAside <= survey.problems.count(of: name) else {
            throw changed(
                "\(setAside.counted("row")) of \(name) cannot be converted, and \(survey.problems.count(of: name).grouped) could not be before"
            )
        }
    }

    private func changed(_ what: String) -> FerryError {
        FerryError(
            "\(reader.path): \(what): the file was changed while it was read", kind: .data,
            advice: ["Run the import again once nobody writes to the file."])
    }

    /// Documents of this size are written by few threads, each of which holds one of them several times; by one where
    /// the database's document is held, too.
    private static let hugeDocument = 4 << 20

    private func threads(for rows: FileSurvey.Rows, _ way: WriteWay, atMost count: Int) -> Int {
        // Each connection keeps room for the largest document it has carried.
        connection.bounded(rows.largestDocument >= Self.hugeDocument ? min(count, way.onlyInserts ? 2 : 1) : count)
    }

    /// Creates the workers that decode a collection's rows, one per thread.
    /// - Parameter makeSink: creates what takes the documents, on the worker's thread.
    private func makeWorkers(
        _ threads: Int, _ rows: FileSurvey.Rows, _ known: KnownRows?, _ phase: OperationProgress.Phase,
        makeSink: @escaping @Sendable () throws -> any DocumentSink
    ) -> [LoadWorker] {
        let (done, bytes) = (Tally(), Tally())
        let operation = operation
        return (0..<threads).map { _ in
            LoadWorker(
                name: rows.name, survey: survey, rules: rules, end: rows.end, known: known,
                tally: references?.tally(of: rows.name), lock: lock, makeSink: makeSink,
                progress: { taken, size in
                    operation.progress(
                        phase, rows.name, records: done.add(taken), total: rows.count, bytes: bytes.add(size))
                })
        }
    }

    /// Writes the documents that were blocked by others while all were written.
    private func writePostponed(
        _ postponed: [SecondAttempt.Postponed], _ target: LoadTarget, _ way: WriteWay, _ result: inout Result
    ) throws {
        guard !postponed.isEmpty else { return }
        try connection.withClient { client in
            let writer = DocumentWriter(client: client, target: target, way: way)
            var attempt = SecondAttempt.Outcome()
            defer {
                writer.note(attempt)
                result.outcome += writer.outcome
            }
            try writer.secondAttempt.run(postponed, &attempt)
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
