import BSON
import BackupFile
import MongoDriver
import Relations

/// Loads a fixture's file into a database of its own, which is new or to be reset.
///
/// Omits what an import does to protect the only copy of somebody's data, since that takes most of the time: there is
/// no lock, no staging, and only the documents of each collection wait for a majority. The file is still fully checked.
struct FixtureLoad {
    struct Outcome: Sendable {
        var outcomes: [CollectionOutcome] = []
        var references: [Reference] = []
        /// The database's names, by the names in the file.
        var names: [String: String] = [:]
    }

    /// A database that was to be new has something in it, which is somebody else's.
    struct NameTaken: Error {
        let database: String
    }

    private let fixture: Fixture
    private let reader: BackupReader
    private let jobs: Int
    private let operation: OperationContext

    /// With more documents than this, dropping and recreating a collection is faster than deleting them.
    private static let deletionLimit = 2000
    /// Smaller files are read by one thread, whose single connection already exists.
    private static let smallFile = 1 << 20

    /// Opens the file and reads its metadata.
    /// - Throws: ``FileError``; ``BackupError``.
    init(_ fixture: Fixture, _ operation: OperationContext) throws {
        self.fixture = fixture
        self.operation = operation
        let file = try OpenFile(rereading: fixture.file, for: "a fixture")
        jobs = try file.status().st_size < Self.smallFile ? 1 : Threads.defaultJobs
        reader = try BackupReader(file, check: operation.cancellation.check)
    }

    /// - Parameter isNew: whether the database has to be empty; otherwise anything in it that is not in the file is
    ///   removed.
    /// - Throws: ``NameTaken`` before anything is written; ``FerryError``, ``BackupError``, ``ConfigurationError``,
    ///   ``FileError``, ``MongoError``; `CancellationError`.
    func run(into connection: Connection, isNew: Bool) throws -> Outcome {
        // Does not look at the database: a fixture is the same whatever was restored before.
        let (survey, legacy) = try Preflight(
            reader: reader, options: options, server: connection.server, jobs: jobs,
            problemLimit: FixtureProblems.limit, operation: operation
        ).run()
        try FixtureProblems.check(survey, fixture.file, isSealed: reader.metadata != nil)
        var outcome = Outcome()
        outcome.references = try references(survey, legacy)
        let client = try connection.pool.makeClient()
        let plan = try plan(survey, outcome.references, connection, client, isNew: isNew)
        // Views based on each other must have the same collation throughout, so old ones that could be in the way are
        // dropped.
        for step in plan.steps
        where step.liveIsView || step.way == .view && step.live.exists && !step.targetDifferences.isEmpty {
            try client.drop(connection.namespace(step.databaseName))
        }
        let rejections = RejectionLog(limit: FixtureProblems.limit)
        var loader = RowLoader(
            reader: reader, connection: connection, survey: survey, rules: legacy.rules, jobs: jobs,
            rejections: rejections, lock: nil, operation: operation)
        loader.unvalidated = Set(plan.steps.filter(\.isEncrypted).map(\.name))
        loader.limits = plan.batchLimits
        let refusedIndexes = try load(plan, loader, client, &outcome)
        try FixtureProblems.check(rejections, refusedIndexes, fixture.file)
        return outcome
    }

    private var options: ImportOptions {
        var options = ImportOptions()
        options.mode = .replace
        options.configuration = fixture.configuration
        return options
    }

    private func references(_ survey: FileSurvey, _ legacy: LegacyTypes) throws -> [Reference] {
        let names = survey.rows.map(\.name)
        try fixture.configuration.checkTargets(in: reader.metadata, rows: names)
        let (references, faults) = ReferenceSource.file(fixture.configuration, reader.metadata, legacy, rows: names)
        if let fault = faults.first { throw FerryError("\(fixture.file): \(fault)") }
        operation.warnOfUnusedReferences(fixture.configuration, in: reader.metadata, rows: names)
        return references
    }

    /// Plans the load, after whatever is not in the fixture has been dropped.
    private func plan(
        _ survey: FileSurvey, _ references: [Reference], _ connection: Connection, _ client: Client, isNew: Bool
    ) throws -> ImportPlan {
        let planner = try ImportPlanner(
            database: connection.database, options: options, metadata: reader.metadata, collections: survey.rows)
        if !isNew { try dropOthers(connection, client, keeping: planner.databaseNames) }
        let plan = try planner.plan(survey, references, LiveCatalog(connection, names: planner.databaseNames))
        if isNew, !plan.untouched.isEmpty || plan.steps.contains(where: \.live.exists) {
            throw NameTaken(database: connection.database)
        }
        return plan
    }

    /// - Returns: what is wrong with each index that the server refused.
    private func load(
        _ plan: ImportPlan, _ loader: RowLoader, _ client: Client, _ outcome: inout Outcome
    ) throws -> [String] {
        var refusedIndexes: [String] = []
        for (index, planned) in plan.steps.enumerated() {
            try operation.cancellation.check()
            let step = reader.metadata == nil ? Self.bare(planned) : planned
            outcome.names[step.name] = step.databaseName
            // A majority that acknowledges a later write has all earlier ones as well.
            let isConfirmedLater = index + 1 < plan.steps.count || step.way != .view && step.records > 0
            let builder = CollectionBuilder(
                client: client, database: loader.connection.database, cancellation: operation.cancellation,
                writeConcern: isConfirmedLater ? WriteConcern(.nodes(1)) : .majority)
            refusedIndexes += try prepare(step, builder)
            guard step.way != .view else { continue }
            let way: WriteWay = step.entry.kind == .timeseries ? .measurements(nil) : .load
            outcome.outcomes.append(
                try loader.load(
                    step.name, into: loader.connection.namespace(step.databaseName), way,
                    writers: step.isWrittenInOrder ? 1 : nil
                ).outcome)
        }
        return refusedIndexes
    }

    /// Drops everything that is not in the fixture, before the load: names that look like the fixture's would be in its
    /// way.
    private func dropOthers(_ connection: Connection, _ client: Client, keeping names: Set<String>) throws {
        let names = Set(names.map { ExactName($0) })
        for info in try client.listCollections(in: connection.database, readPreference: .primary)
        where !names.contains(ExactName(info.name)) {
            switch info.name {
            // Functions that a test has stored are deleted; the collection itself stays.
            case ServerNames.functions:
                try Self.deleteAll(in: connection.namespace(info.name), client, WriteConcern(.nodes(1)))
            // The server manages the others itself.
            case let name where ServerNames.contains(name): break
            default: try client.drop(connection.namespace(info.name))
            }
        }
    }

    private static func deleteAll(in namespace: Namespace, _ client: Client, _ writeConcern: WriteConcern) throws {
        let all: Value = ["q": [:], "limit": 0]
        try client.runWrite(
            ["delete": .string(namespace.collection), "deletes": [all]], on: namespace.database,
            writeConcern: writeConcern)
    }

    /// Adapts a step for a file without metadata, whose collections were restored without options and indexes: a plan
    /// would keep those of the live collection, but here a test has added them.
    private static func bare(_ planned: ImportPlan.Step) -> ImportPlan.Step {
        var step = planned
        let made = step.entry.indexes
        step.entry.kind = .collection
        step.entry.options = Document()
        step.entry.indexes = []
        step.targetDifferences =
            step.live.collection.map {
                CollectionDifferences.told(step.entry, options: $0.options, indexes: made, mode: .replace)
            } ?? []
        return step
    }

    /// Creates an empty collection with its indexes, or a view.
    ///
    /// Indexes come first: a server builds one on an empty collection instantly, but runs a full index build if the
    /// collection has even one document.
    private func prepare(_ step: ImportPlan.Step, _ builder: CollectionBuilder) throws -> [String] {
        let namespace = Namespace(builder.database, step.databaseName)
        if step.live.exists {
            if step.way == .view, step.targetDifferences.isEmpty { return [] }
            if step.way == .staged, let count = step.liveCount, count <= Self.deletionLimit,
                step.targetDifferences.isEmpty, !step.entry.isCapped
            {
                try Self.deleteAll(in: namespace, builder.client, builder.writeConcern)
                return []
            }
            try builder.client.drop(namespace)
        }
        try builder.create(step.entry, as: step.databaseName)
        guard step.way != .view else { return [] }
        return try builder.build(
            step.entry.indexes, on: step.databaseName, step.entry.kind, inheriting: step.entry.options["collation"]
        )
        .map(\.text)
    }
}
