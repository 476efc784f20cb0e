import BSON
import BackupFile
import MongoDriver
import Relations

/// One thread's part of a load, or of a comparison with the database.
final class LoadWorker: BatchWorker {
    private let name: String
    private let survey: FileSurvey
    private let converter: LegacyConverter?
    private let end: Int
    private var decoder: RowDecoder
    private var open: (any DocumentSink)?
    var conversions: ConversionCounts? { converter?.counts }
    private(set) var outcome: CollectionOutcome?
    private(set) var matched = 0
    private(set) var postponed: [SecondAttempt.Postponed] = []
    /// The number of rows that a rule of the configuration cannot convert, that repeat an `_id`, or that are too large
    /// even after conversion; the preflight has found them and set them aside.
    private(set) var setAside = 0
    /// Rows that the database already has, and how many of them were skipped.
    private let known: KnownRows?
    private(set) var passed = 0
    private let tally: ReferenceTally?
    private let lock: ImportLock?
    private let makeSink: @Sendable () throws -> any DocumentSink
    private let progress: @Sendable (_ rows: Int, _ bytes: Int) -> Void
    private(set) var references: [ReferenceOutcome]?

    init(
        name: String, survey: FileSurvey, rules: TypeRules?, end: Int, known: KnownRows?, tally: ReferenceTally?,
        lock: ImportLock?, makeSink: @escaping @Sendable () throws -> any DocumentSink,
        progress: @escaping @Sendable (_ rows: Int, _ bytes: Int) -> Void
    ) {
        self.lock = lock
        self.makeSink = makeSink
        self.progress = progress
        self.known = known
        self.tally = tally
        self.name = name
        self.survey = survey
        self.end = end
        decoder = RowDecoder(survey)
        converter = rules.map { LegacyConverter(survey, $0) }
    }

    func look(at batch: RecordBatch) throws {
        try lock?.check()
        let sink = try open ?? makeSink()
        open = sink
        progress(try take(batch, sink), batch.byteCount)
    }

    /// - Returns: the number of rows that were taken.
    private func take(_ batch: RecordBatch, _ sink: any DocumentSink) throws -> Int {
        var taken = 0
        try batch.forEachRow { row in
            guard row.offset < end, let (collection, fields) = try? decoder.fields(of: row),
                collection.hasSameBytes(as: name)
            else { return }
            if !survey.linesSetAside.isEmpty, survey.linesSetAside.contains(row.line) {
                setAside += 1
                return
            }
            let line = row.line
            do {
                try decoder.withDocument(fields, line: line, collection: name) { document, traits in
                    guard let converter, converter.includes(document, traits) else {
                        if known?.contains(document) == true {
                            passed += 1
                            return
                        }
                        try checkSize(document)
                        try tally?.look(at: document, over: sink.client)
                        return try sink.add(document, line: line, from: decoder.buffer)
                    }
                    let converted = try converter.converted(document, in: name)
                    do { try checkSize(converted) } catch {
                        converter.takeBackRow()
                        throw error
                    }
                    try sink.add(converted, line: line, from: converter.buffer)
                }
                taken += 1
            } catch is RowProblem {
                // The preflight has found this row, and the import goes on only if it may be set aside.
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

    /// What is known of a load that was stopped.
    var outcomeSoFar: CollectionOutcome {
        var known = outcome ?? open?.outcome ?? CollectionOutcome(name: name)
        known.unchanged += passed
        return known
    }

    func finishBatch() throws { try open?.flushIfFull() }

    func finish() throws {
        references = try tally?.finish(over: open?.client)
        guard let sink = open else { return }
        try sink.flush()
        outcome = sink.outcome
        matched = sink.matched
        postponed = sink.postponed
        open = nil
    }
}
