import BSON
import BackupFile
import MongoDriver
import Relations

/// The reference graph and the import order of a file or a database.
public struct PlanGraph: Sendable {
    /// The collections with their record counts and references. A live database's counts are the server's estimates.
    public let drawing: GraphDrawing

    /// Draws a live database. Runs on a separate thread; cancelling the task stops it.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``; `CancellationError`.
    public static func run(
        _ target: Target, configuration: Configuration = Configuration(),
        _ operation: OperationContext = OperationContext()
    ) async throws -> PlanGraph {
        try await Threads.run(cancelling: operation.cancellation) {
            try PlanGraph(target, configuration: configuration, operation)
        }
    }

    /// Draws a file, whose rows are read if it has no metadata. Runs on a separate thread; cancelling the task stops
    /// it.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``FileError``, ``BackupError``; `CancellationError`.
    public static func run(
        file: String, configuration: Configuration = Configuration(),
        _ operation: OperationContext = OperationContext()
    ) async throws -> PlanGraph {
        try await Threads.run(cancelling: operation.cancellation) {
            try PlanGraph(file: file, configuration: configuration, operation)
        }
    }

    /// Draws a file from its metadata; a bare CSV has to be read. Blocks the calling thread.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``FileError``, ``BackupError``; `CancellationError`.
    public init(file: String, configuration: Configuration, _ operation: OperationContext) throws {
        let reader = try BackupReader(
            try OpenFile(rereading: file, for: "plan"), check: operation.cancellation.check)
        if let metadata = reader.metadata {
            let (references, faults) = ReferenceSource.file(configuration, metadata)
            for fault in faults { operation.warning(fault.warning) }
            try configuration.checkTargets(in: metadata)
            operation.warnOfUnusedReferences(configuration, in: metadata, rows: [])
            let inspection = try Inspection(file)
            // A plan of a truncated file shows what it should contain, not what it does contain.
            if inspection.seal == nil {
                let text = "\(file): \(inspection.textOfMissingSeal)"
                inspection.compression == .none ? operation.warning(text) : operation.info(text)
            } else if let contradiction = inspection.contradiction {
                operation.warning("\(file): \(contradiction)")
            }
            var records = Dictionary(
                uniqueKeysWithValues: metadata.collections.filter { $0.kind != .view }.map { ($0.name, $0.records) })
            for (name, count) in inspection.seal?.records ?? [] { records[name] = count }
            let choice = FileChoice(configuration: configuration, metadata: metadata)
            let (taken, others) = metadata.collections.parted { choice.exclusion(of: $0.name) == nil }
            drawing = GraphDrawing(
                Self.graph(taken, references), records: records,
                leftOut: others.map(\.name) + configuration.namesOfLeftOut(metadata.excluded))
            return
        }
        var preflight = Preflight(reader: reader, problemLimit: 0, operation: operation)
        preflight.options.configuration = configuration
        let (survey, legacy) = try preflight.run()
        if survey.isCutShort, let fault = survey.fileProblems.last {
            throw FerryError(
                "\(file): \(fault)", kind: .data,
                advice: ["`mongoferry verify \(file.shellPath)` lists all faults."])
        }
        Self.warn(of: survey, file, operation)
        try configuration.checkTargets(in: nil, rows: survey.rows.map(\.name))
        operation.warnOfUnusedReferences(configuration, in: nil, rows: survey.rows.map(\.name))
        let choice = FileChoice(configuration: configuration)
        let rows = survey.rows.map(\.name)
        let (taken, others) = rows.parted { choice.exclusion(of: $0) == nil }
        drawing = GraphDrawing(
            ReferenceGraph(
                collections: taken, references: ReferenceSource.file(configuration, nil, legacy, rows: rows).references),
            records: Dictionary(uniqueKeysWithValues: survey.rows.map { ($0.name, $0.count) }), leftOut: others)
    }

    /// A plan shows what can be read: warns, so that nobody takes that for everything.
    private static func warn(of survey: FileSurvey, _ file: String, _ operation: OperationContext) {
        for problem in survey.fileProblems { operation.warning("\(file): \(problem)") }
        let count = survey.problems.count
        guard count > 0 else { return }
        let command = "mongoferry verify \(file.shellPath)"
        operation.warning(
            "\(file): \(count.counted("row")) cannot be read: `\(command)` lists \(count == 1 ? "it" : "them")")
    }

    /// Includes views only if references lead to them: they have no documents of their own.
    private static func graph(
        _ entries: [BackupMetadata.Collection], _ references: [Reference]
    ) -> ReferenceGraph {
        let targets = Set(references.map(\.target))
        return ReferenceGraph(
            collections: entries.filter { $0.kind != .view || targets.contains($0.name) }.map(\.name),
            references: entries.thatCount(of: references))
    }

    /// Draws a live database. Blocks the calling thread.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``; `CancellationError`.
    public init(_ target: Target, configuration: Configuration, _ operation: OperationContext) throws {
        let live = try LiveOverview(target, orFile: true, configuration, operation)
        operation.warnOfUnusedReferences(configuration, inDatabase: live.found)
        let entries = live.catalog.entries
        let references = try ReferenceSource.live(
            live.connection, live.catalog, live.sizes, configuration, operation, .thorough)
        let stored = entries.filter { $0.kind != .view }
        drawing = GraphDrawing(
            Self.graph(entries, references),
            records: Dictionary(
                uniqueKeysWithValues: stored.map { ($0.name, live.sizes[$0.databaseName]?.count ?? 0) }),
            leftOut: configuration.namesOfLeftOut(live.catalog.excluded))
    }
}

extension Configuration {
    /// The names by which references may call left-out collections: in a file some have the database's names, others
    /// the configuration's.
    func namesOfLeftOut(_ excluded: [BackupMetadata.Exclusion]) -> [String] {
        excluded.flatMap { [$0.name, fileName(of: $0.name)] }
    }
}

extension Sequence {
    /// Splits the elements into those that fit and the others, each in their order.
    fileprivate func parted(by fits: (Element) -> Bool) -> (fitting: [Element], others: [Element]) {
        reduce(into: ([], [])) { if fits($1) { $0.0.append($1) } else { $0.1.append($1) } }
    }
}
