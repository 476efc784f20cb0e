import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Brings one collection's rows from the file to a collection of the database.
struct RowLoader {
    let reader: BackupReader
    let connection: Connection
    let survey: FileSurvey
    let rules: TypeRules?
    let jobs: Int
    let rejections: RejectionLog
    let lock: ImportLock?
    let operation: OperationContext
    /// What it is done for, where that is neither loading nor a dry run's count.
    var phase: OperationProgress.Phase?

    struct Result {
        var outcome: CollectionOutcome
        /// Live documents that the file has too.
        var matched: Int
        var conversions: ConversionCounts?
        /// References of the documents that were taken; nil where none were checked.
        var references: [ReferenceOutcome]?
    }

    /// Checked while rows are loaded; nil to check none.
    var references: ReferencesUnderWay?

    /// - Parameters:
    ///   - name: the collection's name in the file.
    ///   - writers: 1 where the order of insertion matters.
    ///   - known: rows that the database has already, byte for byte: they are passed over.
    /// - Throws: ``MongoError``, ``BackupError``, ``FerryError``; `CancellationError`.
    func load(
        _ name: String, into namespace: Namespace, _ way: DocumentWriter.Way, isDryRun: Bool = false,
        writers: Int? = nil, known: KnownRows? = nil
    ) throws -> Result {
        let watch = Stopwatch()
        var result = Result(outcome: CollectionOutcome(name: name), matched: 0)
        guard let rows = survey.rows(of: name), rows.count > 0 else { return result }
        let repeated = try way.measurementFields.map {
            try RepeatedMeasurements(in: rows, of: reader, survey, rules, $0, self.operation.cancellation)
        }
        try reader.seek(to: rows.first)
        let done = Tally()
        let bytes = Tally()
        let count = connection.bounded(writers ?? jobs)
        let workers = (0..<count).map { _ in
            LoadWorker(
                name: name, survey: survey, rules: rules, end: rows.end, known: known,
                tally: references?.tally(of: name))
        }
        let (operation, connection, lock, rejections) = (operation, connection, lock, rejections)
        let phase = phase ?? (isDryRun ? .preflight : .load)
        try BatchPass.run(
            reader, until: rows.end, cancellation: operation.cancellation,
            workers: workers.map { worker in
                { @Sendable batch in
                    try lock?.check()
                    let writer = try worker.writer {
                        DocumentWriter(
                            client: try connection.pool.makeClient(), namespace: namespace, way: way, name: name,
                            isDryRun: isDryRun, hasTransactions: connection.server.supportsTransactions,
                            committedReads: connection.committedReads, repeated: repeated, rejections: rejections,
                            cancellation: operation.cancellation)
                    }
                    let taken = try worker.take(batch, writer)
                    operation.progress(
                        phase, name, records: done.add(taken), total: rows.count, bytes: bytes.add(batch.byteCount))
                }
            },
            afterEach: workers.map { worker in { @Sendable in try worker.flushIfFull() } },
            besideKept: way.keptBesideNextRow,
            atEnd: workers.map { worker in { @Sendable in try worker.finish() } })
        for worker in workers {
            if let outcome = worker.outcome { result.outcome += outcome }
            result.matched += worker.matched
            if let found = worker.references { result.references = (result.references ?? []).adding(found) }
            if let counts = worker.conversions {
                if result.conversions == nil { result.conversions = counts } else { result.conversions?.merge(counts) }
            }
        }
        let passed = workers.reduce(0) { $0 + $1.passed }
        result.outcome.read += passed
        result.outcome.unchanged += passed
        result.matched += passed
        let postponed = workers.flatMap(\.postponed)
        if !postponed.isEmpty {
            try lock?.check()
            try connection.withClient { client in
                let writer = DocumentWriter(
                    client: client, namespace: namespace, way: way, name: name, rejections: rejections,
                    cancellation: operation.cancellation)
                let attempt = SecondAttempt(
                    client: client, namespace: namespace, cancellation: operation.cancellation)
                writer.note(try attempt.run(postponed))
                result.outcome += writer.outcome
            }
        }
        let setAside = workers.reduce(0) { $0 + $1.setAside }
        guard result.outcome.read + setAside == rows.count else {
            throw FerryError(
                "\(reader.path): \(result.outcome.read.counted("row")) of \(name) read, \(rows.count.grouped) found before: the file was changed while it was read"
            )
        }
        // Before anything is swapped in: its rows may be others than those that were found sound.
        try reader.checkUnchanged()
        result.outcome.seconds = watch.seconds
        return result
    }
}

/// One thread's part of a load.
// @unchecked: one thread at a time; read by the loader after the pass has ended.
private final class LoadWorker: @unchecked Sendable {
    private let name: String
    private let survey: FileSurvey
    private let rules: TypeRules?
    private let end: Int
    private var decoder: RowDecoder
    private let converted = ByteBuffer(capacity: 4096)
    private var open: DocumentWriter?
    private(set) var conversions: ConversionCounts?
    private(set) var outcome: CollectionOutcome?
    private(set) var matched = 0
    private(set) var postponed: [SecondAttempt.Postponed] = []
    /// Rows that a rule of the configuration cannot convert, those that repeat an `_id`, and legacy ones that are too large
    /// even when they are converted; the preflight has found and set them aside.
    private(set) var setAside = 0
    /// Rows that the database has already, and how many of them there were.
    private let known: KnownRows?
    private(set) var passed = 0
    private let tally: ReferenceTally?
    private(set) var references: [ReferenceOutcome]?

    init(
        name: String, survey: FileSurvey, rules: TypeRules?, end: Int, known: KnownRows?, tally: ReferenceTally?
    ) {
        self.known = known
        self.tally = tally
        self.name = name
        self.survey = survey
        self.rules = rules
        self.end = end
        decoder = RowDecoder(survey)
        conversions = rules?.makeCounts()
    }

    func writer(_ make: () throws -> DocumentWriter) rethrows -> DocumentWriter {
        if let open { return open }
        let fresh = try make()
        open = fresh
        return fresh
    }

    func take(_ batch: RecordBatch, _ writer: DocumentWriter) throws -> Int {
        var taken = 0
        try batch.forEachRow { row in
            guard row.offset < end, let (collection, fields) = try? decoder.fields(of: row), collection == name else {
                return
            }
            if !survey.repeatedLines.isEmpty, survey.repeatedLines.contains(row.line) {
                setAside += 1
                return
            }
            let line = row.line
            do {
                try decoder.withDocument(fields, line: line, collection: name) { document, traits in
                    guard let rules, survey.legacyRows.includes(document, hasWrapper: traits.contains(.wrapper)) else {
                        if known?.contains(document) == true {
                            passed += 1
                            return
                        }
                        try checkSize(document)
                        try tally?.look(at: document, over: writer.client)
                        return try writer.add(document, line: line, from: decoder.buffer)
                    }
                    try convert(document, rules) {
                        try checkSize($0)
                        try writer.add($0, line: line)
                    }
                }
                taken += 1
            } catch is RowProblem {
                // The preflight has found this row, and the import goes on only where it may be set aside.
                return
            } catch is RowRejection {
                setAside += 1
            } catch is TooLarge {
                setAside += 1
            }
        }
        return taken
    }

    private struct TooLarge: Error {}

    private func checkSize(_ document: RawDocument) throws {
        guard document.bytes.count <= survey.maximumDocument else { throw TooLarge() }
    }

    private func convert(_ document: RawDocument, _ rules: TypeRules, _ body: (RawDocument) throws -> Void) throws {
        guard let collection = rules.rules(for: name), var counts = conversions else { return try body(document) }
        conversions = nil
        defer { conversions = counts }
        converted.reset()
        try collection.apply(to: document, appendingTo: converted, counts: &counts)
        try body(try RawDocument(converted.bytes))
    }

    func flushIfFull() throws { try open?.flushIfFull() }

    func finish() throws {
        references = try tally?.finish(over: open?.client)
        guard let writer = open else { return }
        try writer.flush()
        outcome = writer.outcome
        matched = writer.matched
        postponed = writer.postponed
        open = nil
    }
}
