import BSON
import BackupFile
import ExtendedJSON
import Foundation
import MongoDriver
import Relations

/// Writes a database to a backup file.
public struct Export: Sendable {
    public let target: Target
    public let options: ExportOptions

    public init(_ target: Target, _ options: ExportOptions) {
        self.target = target
        self.options = options
    }

    /// Runs on a thread of its own; cancelling the task stops it cleanly.
    /// - Throws: ``FerryError``, ``MongoError``, ``FileError``, ``BackupError``; `CancellationError`.
    public func run(_ operation: OperationContext = OperationContext()) async throws -> Report {
        try await Threads.run(cancelling: operation.cancellation) { try runBlocking(operation) }
    }

    /// Runs on the calling thread, which it blocks.
    public func runBlocking(_ operation: OperationContext) throws -> Report {
        let watch = Stopwatch()
        let started = Clock.now
        let database = try Discovering.database(target)
        let connection = try Connection(target, database: database)
        var catalog = try Catalog(
            connection, configuration: options.configuration, only: options.collections, exclude: options.exclude)
        try Discovering.requireSomething(catalog, connection)
        try catalog.readIndexes(connection)
        let queries = try parsedQueries(catalog)
        let references = try ReferenceSource.live(connection, catalog, options.configuration, operation, .quick)
        let graph = ReferenceGraph(collections: catalog.entries.map(\.name), references: references)
        catalog.entries = Self.ordered(catalog.entries, graph.order)
        let moment = try ReadMoment(connection, wanted: options.consistency)
        if moment.consistency == .none, options.consistency == nil {
            operation.warning(
                "\(connection.topologyText), MongoDB \(connection.server.version): no snapshot, so writes during the export may be half in the file"
            )
        }
        let capped = catalog.entries.filter { $0.options["capped"]?.bool == true }.map(\.name)
        if moment.readConcern != nil, !capped.isEmpty {
            operation.warning(
                "servers give no snapshots of capped collections: \(capped.joined(separator: ", ")) may hold what was written during the export"
            )
        }
        if options.json == .relaxed {
            operation.warning(
                "--json relaxed loses the difference between number types: such a file does not restore exactly")
        }
        var metadata = metadata(connection, catalog, references, moment)
        try predictCounts(&metadata, connection)
        let writer = try BackupWriter(
            try Self.decoupled(options.destination, operation.cancellation), compression: options.compression,
            plain: options.plain, metadata: metadata)
        do {
            var report = try write(metadata, queries, moment, connection, writer, operation)
            report.database = database
            report.excluded = catalog.excluded
            report.source = metadata.sourceText
            report.consistency = moment.consistency.rawValue
            report.snapshot = moment.text
            report.started = started
            report.seconds = watch.seconds
            report.graph = GraphDrawing(
                graph, records: Dictionary(report.collections.map { ($0.name, $0.read) }) { first, _ in first })
            return report
        } catch {
            writer.abandon()
            throw ReadFault.explained(error, moment)
        }
    }

    /// Anything but an ordinary file may make its writer wait, and cursors must not wait with it.
    private static func decoupled(
        _ destination: BackupWriter.Destination, _ cancellation: Cancellation
    ) throws -> BackupWriter.Destination {
        switch destination {
        case .file(let path, _):
            guard let special = try OpenFile.special(writing: path) else { return destination }
            return .stream(SpillQueue(to: special, cancellation: cancellation))
        case .descriptor(let file):
            return try file.isRegular ? destination : .stream(SpillQueue(to: file, cancellation: cancellation))
        case .stream: return destination
        }
    }

    private static func ordered(
        _ entries: [BackupMetadata.Collection], _ order: [String]
    ) -> [BackupMetadata.Collection] {
        // Views hold no rows: they stand after the collections, sources before what is built on them.
        let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        let byPlace = { (entry: BackupMetadata.Collection) in places[entry.name] ?? Int.max }
        return entries.filter { $0.kind != .view }.sorted { byPlace($0) < byPlace($1) }
            + ViewOrder.sorted(entries.filter { $0.kind == .view })
    }

    private func parsedQueries(_ catalog: Catalog) throws -> [String: Document] {
        var result: [String: Document] = [:]
        for (name, text) in options.queries {
            guard let entry = catalog.entries.first(where: { $0.name == name || $0.databaseName == name }) else {
                throw FerryError("--query names '\(name)', which is not among the exported collections", kind: .usage)
            }
            do throws(JSONFault) {
                result[entry.name] = try ExtendedJSONDecoder.document(text)
            } catch {
                throw FerryError("--query \(name): \(error)", kind: .usage, details: [text])
            }
        }
        return result
    }

    private func metadata(
        _ connection: Connection, _ catalog: Catalog, _ references: [Reference], _ moment: ReadMoment
    ) -> BackupMetadata {
        var metadata = BackupMetadata(
            created: nil, program: "mongoferry \(mongoFerryVersion)",
            database: options.sourceName ?? connection.database,
            consistency: moment.consistency.rawValue, json: options.json.rawValue, collections: catalog.entries,
            references: references.map(\.document), excluded: catalog.excluded, queries: options.queries)
        if options.reproducible { return metadata }
        metadata.created = Clock.now
        metadata.serverVersion = connection.server.version
        metadata.topology = connection.topologyText
        metadata.hosts = target.connectionString.hosts
        metadata.snapshot = moment.text
        return metadata
    }

    /// Asks the server how many documents each collection has. Nearly always that is what the cursors then find, and
    /// the header needn't be written twice.
    private func predictCounts(_ metadata: inout BackupMetadata, _ connection: Connection) throws {
        try connection.withClient { client in
            for index in metadata.collections.indices where metadata.collections[index].kind != .view {
                let reply = try client.runRead(
                    ["count": .string(metadata.collections[index].databaseName)], on: connection.database)
                metadata.collections[index].records = reply["n"]?.integer ?? 0
            }
        }
    }

    /// Documents a batch, so that it takes some 4 MB, or 8 MB where each costs a wait for the network.
    ///
    /// Servers fill batches up to 16 MB, which several cursors would hold at once; a batch that is on its way while
    /// another is encoded is best small.
    private static func batchSize(averageDocument: Int, isDistant: Bool) -> Int? {
        averageDocument > 0 ? max(101, (isDistant ? 8 << 20 : 4 << 20) / averageDocument) : nil
    }

    /// Whether one collection is worth several cursors.
    ///
    /// Along the `_id` index a server works two to three times as long for a small document as without (measured on
    /// MongoDB 6.0.5). That pays where cursors would wait for the network, and where there are cores to spare, as
    /// many threads say.
    private static func cutsCollections(isDistant: Bool, jobs: Int) -> Bool { isDistant || jobs >= 4 }

    /// What one cursor after the other reads: whole collections, and ranges of large ones.
    private func parts(
        _ collections: [BackupMetadata.Collection], _ queries: [String: Document], _ moment: ReadMoment,
        _ connection: Connection, readers: Int
    ) throws -> [ReadPart] {
        var parts: [ReadPart] = []
        let isDistant = try connection.isDistant()
        let cuts = Self.cutsCollections(isDistant: isDistant, jobs: readers)
        for (index, entry) in collections.enumerated() {
            let isCapped = entry.options["capped"]?.bool == true
            let isSorted = options.reproducible && entry.kind == .collection && !isCapped
            var find = FindOptions(
                sort: isSorted ? ["_id": 1] : nil,
                allowDiskUse: isSorted && connection.server.isAtLeast(4, 4) ? true : nil,
                // Servers refuse snapshots of capped collections.
                readConcern: isCapped ? nil : moment.readConcern)
            var ranges = [IDRange()]
            if entry.kind == .collection, entry.records > 1000 {
                let average =
                    try connection.withClient { try $0.averageSize(entry.databaseName, connection.database) } ?? 0
                find.batchSize = Self.batchSize(averageDocument: average, isDistant: isDistant)
                // A query has an index of its own, and each range would be another snapshot of --consistency collection.
                if cuts, !isSorted, queries[entry.name] == nil, moment.consistency != .collection {
                    ranges = try IDRanges(connection: connection).ranges(
                        of: entry, bytes: average * entry.records, readers: readers)
                }
            }
            for range in ranges {
                var bounded = find
                range.bound(&bounded)
                parts.append(
                    ReadPart(
                        collection: index, namespace: connection.namespace(entry.databaseName),
                        filter: queries[entry.name] ?? [:], options: bounded))
            }
        }
        return parts
    }

    /// Reads, encodes and writes at the same time, on threads of their own.
    private func run(
        _ parts: [ReadPart], _ names: [String], _ chunks: OrderedChunks, _ sink: RowSink, jobs: Int,
        _ connection: Connection, _ operation: OperationContext
    ) throws {
        // What is in it is bounded by the bytes in the chunks' lines.
        let encoders = BoundedQueue<RawChunk>(capacity: 1000)
        let reader = PartReader(parts: PartQueue(parts), chunks: chunks, encoders: encoders, operation: operation)
        let encoder = ChunkEncoder(chunks: chunks, queue: encoders, names: names, mode: options.json)
        let readers = max(1, min(jobs, parts.count))
        let open = Tally()
        open.add(readers)
        let reading: @Sendable () throws -> Void = {
            try connection.withClient { try reader.run(with: $0) }
            if open.add(-1) == 0 { encoders.close() }
        }
        let encoding: @Sendable () throws -> Void = { try encoder.run() }
        let writing: @Sendable () throws -> Void = { try sink.run() }
        let bodies =
            Array(repeating: reading, count: readers) + Array(repeating: encoding, count: min(jobs, 8)) + [writing]
        try Threads.runAll(bodies) {
            chunks.fail()
            encoders.close()
        }
    }

    /// Holds what the ranges of a collection brought against the server's own count at the same moment. Without a
    /// snapshot there is no such moment.
    /// - Throws: ``FerryError`` where documents are missing or came twice.
    private func checkSums(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ moment: ReadMoment, _ connection: Connection
    ) throws {
        guard moment.clusterTime != nil else { return }
        // The count that was asked for before is the same unless somebody writes: only then is counting worth a scan.
        for (entry, read) in collections where read != entry.records {
            let count = try connection.withClient {
                try $0.countDocuments(connection.namespace(entry.databaseName), readConcern: moment.readConcern)
            }
            guard count == read else {
                throw FerryError(
                    "\(entry.databaseName): \(read) documents were read in ranges, the snapshot has \(count)",
                    details: [
                        "Nothing was left behind under the file's name.",
                        "The collection's _id index may be damaged: run validate on it. --jobs 1 reads without it.",
                    ])
            }
        }
    }

    private func write(
        _ metadata: BackupMetadata, _ queries: [String: Document], _ moment: ReadMoment, _ connection: Connection,
        _ writer: BackupWriter, _ operation: OperationContext
    ) throws -> Report {
        let collections = metadata.collections.filter { $0.kind != .view }
        let jobs = options.jobs ?? Threads.defaultJobs
        let parts = try parts(collections, queries, moment, connection, readers: jobs)
        let chunks = OrderedChunks(
            parts: collections.indices.map { index in parts.count { $0.collection == index } })
        let sink = RowSink(writer: writer, chunks: chunks, collections: collections, operation: operation)
        try run(parts, collections.map(\.name), chunks, sink, jobs: jobs, connection, operation)
        try operation.cancellation.check()
        let cut = collections.indices.filter { index in parts.count { $0.collection == index } > 1 }
        try checkSums(cut.map { (collections[$0], sink.outcomes[$0].read) }, moment, connection)
        var report = Report(operation: "export")
        report.collections = sink.outcomes
        report.escaped = sink.escaped
        let counts = Dictionary(uniqueKeysWithValues: sink.outcomes.map { ($0.name, $0.read) })
        report.sha256 = try writer.finish(counts: counts)?.sha256
        report.bytes = writer.byteCount
        if case .file(let path, _) = options.destination { report.file = path }
        return report
    }
}

/// Takes the chunks in order and writes them.
// @unchecked: runs on one thread; its results are read after that thread has ended.
private final class RowSink: @unchecked Sendable {
    private let writer: BackupWriter
    private let chunks: OrderedChunks
    private let collections: [BackupMetadata.Collection]
    private let operation: OperationContext
    private(set) var outcomes: [CollectionOutcome] = []
    private(set) var escaped = 0

    init(
        writer: BackupWriter, chunks: OrderedChunks, collections: [BackupMetadata.Collection],
        operation: OperationContext
    ) {
        self.writer = writer
        self.chunks = chunks
        self.collections = collections
        self.operation = operation
    }

    func run() throws {
        for (index, collection) in collections.enumerated() {
            let watch = Stopwatch()
            var outcome = CollectionOutcome(name: collection.name)
            var bytes = 0
            while let chunk = try chunks.next(collection: index) {
                try writer.write(rows: chunk.rows.bytes)
                outcome.read += chunk.count
                escaped += chunk.escaped
                bytes += chunk.rows.count
                chunks.recycle(chunk.rows)
                operation.progress(
                    .read, collection.name, records: outcome.read, total: max(collection.records, outcome.read),
                    bytes: bytes)
            }
            outcome.seconds = watch.seconds
            outcomes.append(outcome)
        }
    }
}

extension Threads {
    /// Threads that do one kind of work, when nobody said how many.
    static var defaultJobs: Int { max(2, ProcessInfo.processInfo.activeProcessorCount) }
}
