import BSON
import BackupFile
import ExtendedJSON
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

    public func runBlocking(_ operation: OperationContext) throws -> Report {
        try reporting(on: target, operation) { operation in
            let database = try target.namedDatabase()
            let (connection, found) = try Connection.listing(target, database: database, operation.cancellation)
            // Mistakes are reported before waiting for the reader of a named pipe.
            let choice = try choice(from: found, connection)
            let destination = try Self.decoupled(options.destination, operation)
            do {
                return try export(choice, to: destination, connection, operation)
            } catch {
                if case .stream(let stream) = destination { stream.abandon() }
                throw error
            }
        }
    }

    /// - Throws: ``FerryError`` if the options name something that does not exist, if there is nothing to export, or if
    ///   the user may not see a collection's options.
    func choice(from found: [CollectionInfo], _ connection: Connection) throws -> ExportChoice {
        let database = connection.database
        let catalog = try Catalog(
            database, found, configuration: options.configuration, only: options.collections, exclude: options.exclude)
        try catalog.requireSomething(of: connection)
        try options.configuration.checkTargets(inDatabase: found)
        guard !catalog.isLeftOutWhole else {
            throw FerryError(
                "nothing to export: every collection of \(database) is left out", kind: .usage,
                details: catalog.excluded.map { "\(BackupMetadata.shown($0.name)): \($0.reason)".oneLine })
        }
        if let unseen = found.first(where: { !$0.hasDetails }) { throw UnseenOptions.error(unseen.name, in: database) }
        return ExportChoice(found: found, catalog: catalog, queries: try ExportQueries(options.queries, catalog))
    }

    private func export(
        _ first: ExportChoice, to destination: BackupWriter.Destination, _ connection: Connection,
        _ operation: OperationContext
    ) throws -> Report {
        let (choice, prepared): (ExportChoice, PreparedExport)
        do {
            (choice, prepared) = try self.prepared(first, connection, operation)
        } catch let error as MongoError {
            throw FerryError(explaining: error).noting("No file was written.")
        }
        let (catalog, references, moment) = (choice.catalog, prepared.references, prepared.moment)
        let remarks = try remarks(choice, moment, connection)
        for remark in remarks { operation.warning(remark) }
        let fileChoice = FileChoice(
            collections: options.collections, exclude: options.exclude, renames: [:],
            configuration: options.configuration)
        operation.warnOfUnusedReferences(options.configuration, inDatabase: choice.found) {
            fileChoice.exclusion(of: $0) != nil
        }
        let graph = ReferenceGraph(
            collections: catalog.entries.map(\.name), references: catalog.entries.thatCount(of: references))
        let metadata = metadata(connection, choice, references, moment)
        let writer: BackupWriter
        do {
            writer = try BackupWriter(
                destination, compression: options.compression, plain: options.plain, metadata: metadata)
        } catch let error as FileError {
            throw FerryError(explaining: error).noting(Self.remainder(of: destination))
        }
        do {
            var report = try operation.timed("read and write") {
                try write(metadata, choice, prepared, connection, writer, operation)
            }
            report.database = connection.database
            report.server = connection.serverText
            report.note(options, choice, operation)
            report.warnings = remarks + report.warnings
            report.source = metadata.sourceText
            report.consistency = moment.consistency
            report.snapshot = moment.text
            report.graph = GraphDrawing(
                graph, records: Dictionary(report.collections.map { ($0.name, $0.read) }) { first, _ in first },
                leftOut: options.configuration.namesOfLeftOut(catalog.excluded))
            return report
        } catch {
            writer.abandon()
            let fault = ReadFault.explained(error, moment)
            guard fault is FerryError || fault is MongoError || fault is FileError else { throw fault }
            throw FerryError(explaining: fault).noting(Self.remainder(of: destination))
        }
    }

    /// What a failed export has left behind.
    private static func remainder(of destination: BackupWriter.Destination) -> String {
        switch destination {
        case .file(_, overwriting: false): "Nothing was left behind under the file's name."
        case .file: "Nothing was written under the file's name: what was there before is untouched."
        case .descriptor, .stream: "The output so far is incomplete and is not a usable backup."
        }
    }

    /// Puts a ``SpillQueue`` before any output but an ordinary file: it may make its writer wait, and the cursors must
    /// not wait, too.
    static func decoupled(
        _ destination: BackupWriter.Destination, _ operation: OperationContext
    ) throws -> BackupWriter.Destination {
        let cancellation = operation.cancellation
        func queue(_ file: OpenFile) throws -> BackupWriter.Destination {
            .stream(try SpillQueue(to: file, cancellation: cancellation, tell: { operation.warning($0) }))
        }
        switch destination {
        case .file(let path, _):
            let special = try OpenFile.special(writing: path, whileWaiting: cancellation.check)
            guard let special else { return destination }
            return try queue(special)
        // Copied because a stopped export's last write may still be under way: it must not go to whatever reuses the
        // descriptor's number.
        case .descriptor(let file): return try file.isRegular ? destination : queue(OpenFile(copying: file))
        case .stream: return destination
        }
    }

    static func ordered(
        _ entries: [BackupMetadata.Collection], _ order: [String]
    ) -> [BackupMetadata.Collection] {
        // Views hold no rows: they come after the collections, and after the views on which they are built.
        let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        let byPlace = { (entry: BackupMetadata.Collection) in places[entry.name] ?? Int.max }
        return entries.filter { $0.kind != .view }.sorted { byPlace($0) < byPlace($1) }
            + ViewOrder.sorted(entries.filter { $0.kind == .view })
    }

    func metadata(
        _ connection: Connection, _ choice: ExportChoice, _ references: [Reference], _ moment: ReadMoment
    ) -> BackupMetadata {
        let catalog = choice.catalog
        var metadata = BackupMetadata(
            created: nil, program: "mongoferry \(mongoFerryVersion)",
            database: options.sourceName ?? connection.database,
            consistency: nil, json: options.json.rawValue, collections: catalog.entries,
            references: named(references, catalog).map(\.document),
            excluded: options.reproducible ? catalog.reproducibleExclusions : catalog.excluded,
            queries: choice.queries.texts)
        if options.reproducible { return metadata }
        metadata.consistency = moment.consistency.rawValue
        metadata.created = Clock.now
        metadata.serverVersion = connection.server.version
        metadata.topology = connection.topologyText
        metadata.hosts = target.connectionString.hosts
        metadata.snapshot = moment.text
        return metadata
    }

    /// Gives targets that are not in the file their names in the database: exclusions are listed under these, and
    /// whoever reads the file may not have the configuration that names them differently.
    private func named(_ references: [Reference], _ catalog: Catalog) -> [Reference] {
        let names = Set(catalog.entries.map { ExactName($0.name) })
        return references.map { reference in
            guard !names.contains(ExactName(reference.target)) else { return reference }
            var reference = reference
            reference.target = options.configuration.databaseName(of: reference.target)
            return reference
        }
    }

    func write(
        _ metadata: BackupMetadata, _ choice: ExportChoice, _ prepared: PreparedExport, _ connection: Connection,
        _ writer: BackupWriter, _ operation: OperationContext
    ) throws -> Report {
        let collections = metadata.collections.filter { $0.kind != .view }
        let parts = try parts(
            collections, choice.queries, prepared, connection, readers: Threads.jobs(options.jobs))
        let pipeline = try pipeline(for: parts, of: collections, choice, prepared, connection, writer, operation)
        let sink = pipeline.sink
        let doubts = try pipeline.flushing(operation.cancellation) {
            try pipeline.run(over: connection)
            try operation.cancellation.check()
            let read = zip(collections, sink.outcomes).map { (entry: $0, read: $1.read) }
            let cut = zip(read, parts.counts(of: collections.count)).filter { $1 > 1 }.map(\.0)
            let uncounted = try checkSums(cut, prepared.moment, connection)
            let now = try list(connection)
            try checkAllAreThere(read, choice.found, now, prepared.moment, connection)
            return try uncounted
                + [lateImport(choice.found, now, prepared.moment, connection)].compactMap(\.self)
        }
        for text in doubts { operation.warning(text) }
        var report = Report(operation: .export)
        report.collections = sink.outcomes
        report.warnings = doubts
        report.escaped = sink.escaped
        let records = Dictionary(uniqueKeysWithValues: sink.outcomes.map { ($0.name, $0.read) })
        report.sha256 = try writer.finish(counts: records, check: operation.cancellation.check)?.sha256
        if let text = writer.folderWarning {
            operation.warning(text)
            report.warnings.append(text)
        }
        report.bytes = writer.byteCount
        if case .file(let path, _) = options.destination { report.file = path }
        return report
    }

    private func pipeline(
        for parts: [ReadPart], of collections: [BackupMetadata.Collection], _ choice: ExportChoice,
        _ prepared: PreparedExport, _ connection: Connection, _ writer: BackupWriter, _ operation: OperationContext
    ) throws -> ExportPipeline {
        let chunks = OrderedChunks(parts: parts.counts(of: collections.count), isDistant: try connection.isDistant())
        let averages = collections.compactMap { prepared.sizes[$0.databaseName]?.averageDocument }
        let readers = max(1, min(try connection.readers(options.jobs, averages: averages), parts.count))
        // Its content is bounded by the bytes in the lines of `chunks`.
        let queue = BoundedQueue<RawChunk>(capacity: 1000)
        return ExportPipeline(
            reader: PartReader(
                parts: PartQueue(parts) { $0.isLarge }, chunks: chunks, encoders: queue, operation: operation,
                hasCompany: readers > 1, opensInTurn: prepared.moment.consistency == .collection,
                watches: HistoryWatch.all(collections, choice.queries, prepared)),
            readers: readers,
            encoder: ChunkEncoder(
                chunks: chunks, queue: queue, names: collections.map(\.name), mode: options.json,
                isBare: options.plain),
            encoders: min(Threads.jobs(options.jobs), 8),
            sink: RowSink(writer: writer, chunks: chunks, collections: collections, operation: operation),
            compressors: options.compression == .gzip ? Threads.compressors(options.jobs) : 0)
    }
}
