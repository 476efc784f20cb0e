import MongoDriver
import Relations
import Synchronization

/// Checks in a database whether references have targets.
///
/// Reads each referring collection once, only its referring fields, and looks up the targets in batches. References
/// that seem to dangle are checked again.
struct ReferenceCheck: Sendable {
    let connection: Connection
    private(set) var operation: OperationContext
    /// The database's name of a collection, by its name in the file.
    let databaseName: @Sendable (String) -> String
    /// Hashes of `_id`s that are known to be in a collection, by its name in the file: those of an import that writes
    /// them. Other values are looked up.
    var knownIDs: @Sendable (String) -> RecordHashes? = { _ in nil }
    /// Whether a collection, by its name in the file, has no other `_id`s than the known ones, so that nothing is
    /// looked up.
    var isKnownWhole: @Sendable (String) -> Bool = { _ in false }

    /// Whether the server lists only what the user has rights on: whatever else may exist cannot be told to be missing.
    var isPartlySeen = false

    let targetIDs: TargetValues

    private static let progressStep = 1000

    init(
        connection: Connection, operation: OperationContext, databaseName: @escaping @Sendable (String) -> String
    ) {
        self.connection = connection
        self.operation = operation
        self.databaseName = databaseName
        targetIDs = TargetValues(operation.cancellation)
    }

    /// - Parameter references: several with the same path and no condition are alternatives: a value has to be in one
    ///   target.
    /// - Throws: ``MongoError``; `CancellationError`.
    func run(_ references: [Reference]) throws -> [ReferenceOutcome] {
        if references.isEmpty { return [] }
        let listed = try connection.withClient { try $0.listCollections(in: connection.database) }
        let live = Set(listed.map { ExactName($0.name) })
        let groups = ReferenceGroup.groups(of: references).filter {
            live.contains(ExactName(databaseName($0.collection)))
        }
        let sources = Dictionary(grouping: groups) { ExactName($0.collection) }.sorted { $0.key < $1.key }.map(\.value)
        let results = Mutex<[ReferenceOutcome]>([])
        let next = Atomic<Int>(0)
        let counts = try connection.answers(for: sources.map { connection.namespace(databaseName($0[0].collection)) }) {
            try $0.estimatedCount($1)
        }
        let progress = { @Sendable [done = Tally(), total = counts.reduce(0, +)] count in
            operation.progress(.verify, records: done.add(count), total: total)
        }
        progress(0)
        // If one collection cannot be read, the others need not be.
        var part = self
        part.operation = operation.part()
        part.isPartlySeen = UnseenOptions.isPartial(listed)
        let bodies = (0..<min(connection.bounded(Threads.defaultJobs), sources.count)).map { _ in
            { @Sendable [part] in
                while true {
                    let index = next.add(1, ordering: .relaxed).oldValue
                    guard index < sources.count else { return }
                    try part.operation.cancellation.check()
                    let outcomes = try part.check(sources[index], live, progress)
                    results.withLock { $0 += outcomes }
                }
            }
        }
        try Threads.runAll(bodies, onFailure: part.operation.cancellation.cancel)
        return results.withLock { $0 }.sorted(by: ReferenceOutcome.precedes)
    }

    /// A collection that has references.
    private struct Source {
        let groups: [ReferenceGroup]
        let namespace: Namespace
        /// The options for reading its documents.
        let options: FindOptions
        /// The names of everything in the database.
        let live: Set<ExactName>
    }

    /// Checks the references of one collection.
    private func check(
        _ groups: [ReferenceGroup], _ live: Set<ExactName>, _ progress: (_ documents: Int) -> Void
    ) throws -> [ReferenceOutcome] {
        let paths = groups.flatMap(\.references).flatMap(\.neededPaths) + [.id]
        let source = Source(
            groups: groups, namespace: connection.namespace(databaseName(groups[0].collection)),
            options: FindOptions(projection: FieldPath.projection(of: paths)), live: live)
        let tally = ReferenceTally(self, groups, live, remembersDocuments: true)
        return try connection.withClient { client in
            var count = 0
            try client.find(source.namespace, [:], options: source.options)
                .forEach { document in
                    count += 1
                    if count % Self.progressStep == 0 {
                        try operation.cancellation.check()
                        progress(Self.progressStep)
                    }
                    try tally.look(at: document, over: client)
                }
            var outcomes = try tally.finish(over: client)
            for (index, doubtful) in tally.doubtful.enumerated() where !outcomes[index].isTargetMissing {
                try confirm(&outcomes[index], ofGroup: index, in: source, doubtful, over: client)
            }
            return outcomes
        }
    }

    /// Checks again the documents whose references seemed to dangle: between reading them and looking up the targets,
    /// other programs may have changed the references, or removed both the documents and their targets.
    private func confirm(
        _ outcome: inout ReferenceOutcome, ofGroup group: Int, in source: Source, _ doubtful: DoubtfulDocuments,
        over client: Client
    ) throws {
        var doubtful = doubtful
        for _ in 0..<Self.looks {
            guard outcome.dangling > 0, let ids = doubtful.ids else { return }
            let tally = ReferenceTally(self, [source.groups[group]], source.live, remembersDocuments: true)
            try client.forEachFound(by: Array(ids)[...], in: source.namespace, options: source.options) {
                QueryFilter.filters($0, .id)
            } _: {
                try operation.cancellation.check()
                try tally.look(at: $0, over: client)
            }
            guard let now = try tally.finish(over: client).first, now.dangling < outcome.dangling else { return }
            outcome.dangling = now.dangling
            outcome.examples = now.examples
            // The database is busy: the same may have happened again.
            doubtful = tally.doubtful.first ?? DoubtfulDocuments()
        }
    }

    private static let looks = 5
}
