import BSON
import MongoDriver

/// Writes documents of one collection in batches. Belongs to one thread.
final class DocumentWriter {
    enum Way: Sendable {
        /// Inserts into a collection to which nobody else writes.
        case load
        /// Upserts: looks documents up first, and writes those that are missing or different.
        case merge(DocumentKey)
        /// Inserts only what is missing.
        case insert
        /// Like merge and insert, into a collection that was empty: documents that exist after all are replaced, or
        /// kept.
        case mergeIntoEmpty, insertIntoEmpty
        /// Inserts into a time series; existing measurements are found by the time field. Nil for a new collection.
        case measurements(MeasurementFields?)
        /// Writes nothing: only notes what a merge would find missing or different.
        case compare(DifferenceLog)

        /// The fields by which measurements are looked up.
        var measurementFields: MeasurementFields? { if case .measurements(let fields) = self { fields } else { nil } }

        var onlyLooks: Bool { if case .compare = self { true } else { false } }

        /// Whether documents are sent without looking at existing ones. Huge ones may then be in transit while the next
        /// row is read, see ``BatchPass``; otherwise, live documents come back in addition to those that are looked up.
        var onlyInserts: Bool {
            switch self {
            case .load, .insertIntoEmpty, .mergeIntoEmpty: true
            case .merge, .insert, .measurements, .compare: false
            }
        }
    }

    let client: Client
    let namespace: Namespace
    let way: Way
    let name: String
    let isDryRun: Bool
    let rejections: RejectionLog
    /// Checked while waiting for another writer.
    let cancellation: Cancellation
    /// Checked before anything is sent: an import that has lost the lock writes nothing more. Nil for a database that
    /// nobody else knows.
    let lock: ImportLock?
    let batch = PendingBatch()
    var outcome: CollectionOutcome
    /// The number of live documents that the file has as well.
    var matched = 0
    /// Documents that are blocked by others which a merge may change; ``SecondAttempt`` writes them after all others.
    var postponed: [SecondAttempt.Postponed] = []
    /// The room for postponed documents, shared by all of the collection's writers.
    let room: SecondAttempt.Room
    let hasTransactions: Bool
    /// See ``RowLoader/unvalidated``.
    let bypassesValidation: Bool
    /// The read concern for finding out what need not be written; see ``Connection/majorityReadConcern``.
    let majorityReadConcern: ReadConcern?
    /// Whether an index serves a merge's lookup by other fields than `_id`; nil until it matters.
    var hasKeyIndex: Bool?
    /// What all threads have found about equal measurements; nil if none are looked up.
    let repeated: RepeatedMeasurements?

    static let batchCount = 10_000
    /// A lookup returns whole documents, so its batches are smaller.
    static let lookupCount = 5000

    init(
        client: Client, namespace: Namespace, way: Way, name: String, isDryRun: Bool = false,
        hasTransactions: Bool = false, bypassesValidation: Bool = false, majorityReadConcern: ReadConcern? = nil,
        repeated: RepeatedMeasurements? = nil, room: SecondAttempt.Room = SecondAttempt.Room(),
        rejections: RejectionLog, cancellation: Cancellation, lock: ImportLock? = nil
    ) {
        self.room = room
        self.client = client
        self.namespace = namespace
        self.way = way
        self.name = name
        self.isDryRun = isDryRun
        self.hasTransactions = hasTransactions
        self.bypassesValidation = bypassesValidation
        self.majorityReadConcern = majorityReadConcern
        self.repeated = repeated
        self.rejections = rejections
        self.cancellation = cancellation
        self.lock = lock
        outcome = CollectionOutcome(name: name)
    }

    /// Takes a document, and writes the batch if it is large enough. A huge document waits for ``flushIfFull()``, since
    /// its row should not be held meanwhile.
    /// - Parameter buffer: a buffer that contains only this document; that of a huge one is exchanged for an empty one,
    ///   not copied.
    /// - Throws: ``MongoError`` for errors that do not concern single documents.
    func add(_ document: RawDocument, line: Int, from buffer: ByteBuffer? = nil) throws {
        outcome.read += 1
        if batch.byteCount + document.bytes.count > PendingBatch.mostBytes { try flush() }
        let isHuge = document.bytes.count >= PendingBatch.hugeBytes
        batch.append(document, line: line, from: buffer)
        if !isHuge { try flushIfFull() }
    }

    /// Writes the batch if it is large enough.
    func flushIfFull() throws {
        let limit = way.onlyInserts ? Self.batchCount : Self.lookupCount
        if batch.byteCount >= PendingBatch.mostBytes / 2 || batch.count >= limit { try flush() }
    }

    /// Writes the batch.
    func flush() throws {
        guard !batch.isEmpty else { return }
        defer { batch.removeAll() }
        switch way {
        case .load: try insert(Array(batch.indices), whereTaken: .reject)
        case .mergeIntoEmpty: try insert(Array(batch.indices), whereTaken: .replace)
        case .insertIntoEmpty: try insert(Array(batch.indices), whereTaken: .keep)
        case .merge(let key): try merge(key)
        case .insert:
            let missing = try lookUp(try DocumentKey(["_id"]), idOnly: true).missing
            outcome.unchanged += batch.count - missing.count
            try insert(missing, whereTaken: .keep)
        case .measurements(let fields):
            let missing = try fields.map(missingMeasurements) ?? Array(batch.indices)
            outcome.unchanged += batch.count - missing.count
            try insertMeasurements(missing)
        case .compare(let log):
            let lookup = try lookUp(try DocumentKey(["_id"]), idOnly: false) { log.noteDifferent($0, live: $1) }
            for index in lookup.missing { log.noteMissing(try document(index)) }
            outcome.inserted += lookup.missing.count
            outcome.updated += lookup.changed.count
        }
    }

    /// Checks that this run writes at all: a dry run and a check never do. Also checks the lock.
    /// - Throws: ``FerryError``; ``MongoError``.
    func checkMayWrite() throws {
        guard !isDryRun, !way.onlyLooks else {
            throw FerryError("\(namespace): a run that writes nothing was about to write; nothing was written")
        }
        try lock?.check()
    }

    var secondAttempt: SecondAttempt {
        SecondAttempt(
            client: client, namespace: namespace, bypassesValidation: bypassesValidation, cancellation: cancellation,
            lock: lock)
    }

    func bulkWrite() throws -> BulkWrite {
        try client.bulkWrite(to: namespace, bypassDocumentValidation: bypassesValidation)
    }

    func send(_ bulk: BulkWrite) throws -> BulkWriteResult {
        try checkMayWrite()
        return try bulk.execute()
    }

    func document(_ index: Int) throws -> RawDocument { try batch[index] }

    func withID<Result>(_ index: Int, _ body: (RawElement) throws -> Result) throws -> Result? {
        try document(index).first.map(body)
    }

    // MARK: What was refused

    func reject(_ index: Int, _ reason: String) throws {
        outcome.rejected += 1
        let id = try document(index)["_id"].map(IDText.text)
        rejections.add(RowProblem(line: batch.line(of: index), collection: name, id: id, reason: reason))
    }

    func note(_ errors: [WriteError], _ indexes: [Int]) throws {
        for error in errors {
            let index = indexes[error.index]
            try reject(index, WriteErrorText.text(error))
        }
    }

    /// - Throws: ``FerryError`` if a majority has not acknowledged the writes.
    static func check(_ result: BulkWriteResult) throws {
        guard let failure = result.writeConcernErrors.first else { return }
        throw FerryError("the server wrote, but could not confirm it with write concern majority: \(failure.message)")
    }
}
