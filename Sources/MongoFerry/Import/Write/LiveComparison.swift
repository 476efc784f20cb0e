import BSON
import Foundation
import MongoDriver
import Relations
import Synchronization

/// Finds out which of a file's documents a database already has, byte for byte, by reading its collections from end to
/// end.
///
/// That takes a server a third of the work of looking the documents up. Documents are compared by their hashes, see
/// ``ContentHash``. Later changes are not seen, as if they had been made after the import.
struct LiveComparison: Sendable {
    let connection: Connection
    let contents: ContentHash
    /// The number of collections to read at the same time, if the user gave one; nil for the best number.
    let jobs: Int?
    private(set) var operation: OperationContext
    /// Checks the references of the documents that are read; nil to check none.
    var references: ReferencesUnderWay?
    var phase: OperationProgress.Phase = .compare
    var readPreference: ReadPreference = .primary
    /// Nil for the connection string's.
    var readConcern: ReadConcern?
    /// How many of the documents that only the database has to name by their `_id`s; nil not to look for any.
    var extraToTell: Int?

    /// Which of the file's documents one collection has.
    struct Result: Sendable {
        /// The places, in the file's ``RecordHashes``, of documents that exist with the same bytes.
        var equal: PlaceSet
        /// References of all live documents; nil if none were checked.
        var outcomes: [ReferenceOutcome]?
        var extra: ExtraDocuments?
    }

    /// Live documents whose `_id` no row of the file has.
    struct ExtraDocuments: Sendable {
        var count = 0
        /// The `_id`s of the first of them.
        var ids: [Value] = []

        /// - Parameter limit: the most ``ids``.
        mutating func note(_ document: RawDocument, unlessIn known: RecordHashes, limit: Int) {
            guard let id = document.first, !known.contains(IDHash.hash(id)) else { return }
            count += 1
            if ids.count < limit { ids.append(id.copy) }
        }
    }

    /// Whether comparing is less work than looking up: not if the collection has far fewer documents than the file, or
    /// far more.
    static func isWorthwhile(records: Int, live: Int) -> Bool { live * 2 >= records && live <= records * 3 }

    /// - Parameter collections: the rows in the file, with hashes that include documents, and the collections to read.
    /// - Returns: the results, by the collections' names in the file.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(_ collections: [(rows: FileSurvey.Rows, namespace: Namespace)]) throws -> [String: Result] {
        // The largest first, so that none is left for a single thread at the end.
        let sorted = collections.sorted { $0.rows.bytes > $1.rows.bytes }
        let results = Mutex<[String: Result]>([:])
        let queue = PartQueue(sorted) { $0.rows.bytes > Connection.largeBytes }
        let (done, bytes) = (Tally(), Tally())
        let total = collections.reduce(0) { $0 + $1.rows.count }
        // Each has a cursor, and another thread queries the targets of its references.
        let readers = min(
            try connection.readers(
                jobs, averages: sorted.map { $0.rows.bytes / max(1, $0.rows.count) },
                clientsEach: references == nil ? 1 : 2), sorted.count)
        let turn = readers > 1 ? NSLock() : nil
        // If one collection cannot be read, the others need not be.
        var part = self
        part.operation = operation.part()
        let bodies = (0..<readers).map { reader in
            { @Sendable [part] in
                while let (rows, namespace) = queue.next(takesLarge: reader < Connection.readersOfLarge) {
                    try part.operation.cancellation.check()
                    let result = try part.compare(rows, namespace, done, bytes, total, turn)
                    results.withLock { $0[rows.name] = result }
                }
            }
        }
        try Threads.runAll(bodies, onFailure: part.operation.cancellation.cancel)
        return results.withLock { $0 }
    }

    /// Reads to the end. Huge batches are read one at a time, over all collections: each is held twice as it comes.
    private func read(_ cursor: Cursor, into chunks: LiveChunks, _ turn: NSLock?) throws {
        defer { cursor.close() }
        var isHuge = false
        let readOn = { () throws -> Bool in
            guard let batch = try cursor.nextBatch() else { return false }
            isHuge = batch.byteCount > Self.hugeBatch
            try chunks.put(batch)
            if isHuge, turn != nil { try chunks.waitForRoom() }
            return true
        }
        // The first of them is recognized only when it has come.
        while try isHuge ? turn?.withLock(readOn) ?? readOn() : readOn() {}
    }

    private static let hugeBatch = 10 << 20

    /// One thread reads and another compares, so that the server and the processor's caches wait for each other less.
    private func compare(
        _ rows: FileSurvey.Rows, _ namespace: Namespace, _ done: Tally, _ bytes: Tally, _ total: Int, _ turn: NSLock?
    ) throws -> Result {
        let tally = references?.tally(of: rows.name)
        let comparer = LiveComparer(
            ids: rows.ids, contents: contents, tally: tally, extraToTell: extraToTell)
        let chunks = LiveChunks(isDistant: try connection.isDistant())
        let options = FindOptions(
            batchSize: Export.batchSize(
                averageDocument: rows.bytes / max(1, rows.count), roundTrip: try connection.roundTrip()),
            readConcern: readConcern, readPreference: readPreference)
        let reading = { @Sendable in
            try connection.withClient { client in
                try read(try client.find(namespace, [:], options: options), into: chunks, turn)
            }
            chunks.end()
        }
        let comparing = { @Sendable in
            while let chunk = chunks.next() {
                try operation.cancellation.check()
                let count = try comparer.look(at: chunk)
                operation.progress(
                    phase, rows.name, records: done.add(count), total: total, bytes: bytes.add(chunk.byteCount))
                chunks.finish(chunk)
            }
        }
        try Threads.runAll([reading, comparing]) { chunks.fail() }
        return Result(
            equal: comparer.equal, outcomes: try tally?.finish(),
            extra: extraToTell == nil ? nil : comparer.extra)
    }
}

/// Compares chunks of live documents with the file's. Belongs to one thread.
// @unchecked: one thread uses it; its results are read after that thread has ended.
private final class LiveComparer: @unchecked Sendable {
    private let ids: RecordHashes
    private let contents: ContentHash
    private let tally: ReferenceTally?
    @exclusivity(unchecked) private(set) var equal: PlaceSet
    private let extraToTell: Int?
    private(set) var extra = LiveComparison.ExtraDocuments()
    /// Hashes of a chunk's documents.
    @exclusivity(unchecked) private var liveIDs: [UInt64] = []
    @exclusivity(unchecked) private var liveContents: [UInt64] = []

    init(ids: RecordHashes, contents: ContentHash, tally: ReferenceTally?, extraToTell: Int?) {
        self.extraToTell = extraToTell
        self.ids = ids
        self.contents = contents
        self.tally = tally
        equal = PlaceSet(count: ids.count)
    }

    /// - Returns: the number of documents in the chunk.
    func look(at chunk: Batch) throws -> Int {
        var count = 0
        liveIDs.removeAll(keepingCapacity: true)
        liveContents.removeAll(keepingCapacity: true)
        try chunk.forEach { document in
            try tally?.look(at: document)
            count += 1
            guard let id = document.first else { return }
            liveIDs.append(IDHash.hash(id))
            liveContents.append(contents.hash(document.bytes))
        }
        var known = 0
        ids.forEachPlace(of: liveIDs) { number, place in
            known += 1
            if ids.document(at: place) == liveContents[number] { equal.insert(place) }
        }
        if let extraToTell, known < liveIDs.count {
            try chunk.forEach { extra.note($0, unlessIn: ids, limit: extraToTell) }
        }
        return count
    }
}
