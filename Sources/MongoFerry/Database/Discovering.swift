import BSON
import BackupFile
import MongoDriver
import Relations

/// Writes a configuration from what a live database shows.
public struct Discovering: Sendable {
    /// The text of a configuration file: collections, references and types; evidence and candidates are comments.
    public let yaml: String
    /// Those that hold, between collections that are not left out.
    public let references: [Reference]
    /// What may be a reference and is for a person to judge, and references to collections that are left out.
    public let candidates: [ReferenceCandidate]

    /// Runs on a thread of its own; cancelling the task stops it.
    /// - Throws: ``FerryError``, ``MongoError``; `CancellationError`.
    public static func run(
        _ target: Target, configuration: Configuration = Configuration(),
        _ operation: OperationContext = OperationContext()
    ) async throws -> Discovering {
        try await Threads.run(cancelling: operation.cancellation) {
            try Discovering(target, configuration: configuration, operation)
        }
    }

    /// On the calling thread, which it blocks.
    /// - Throws: ``FerryError``, ``MongoError``; `CancellationError`.
    public init(_ target: Target, configuration: Configuration, _ operation: OperationContext) throws {
        let live = try LiveOverview(target, configuration, operation)
        let (entries, sizes) = (live.catalog.entries, live.sizes)
        let discovery = try LiveDiscovery(live.connection, operation, .thorough).discover(live.catalog, sizes)
        // A configuration has no references to what it leaves out.
        let names = Set(entries.map { ExactName($0.name) })
        references = discovery.references.filter { names.contains(ExactName($0.target)) }
        candidates =
            discovery.candidates.filter { names.contains(ExactName($0.target)) }
            + discovery.references.filter { !names.contains(ExactName($0.target)) }.map(
                ReferenceCandidate.init(toLeftOut:))
        yaml =
            ConfigurationDraft(
                title: [
                    "Discovered by mongoferry \(mongoFerryVersion) in \(live.connection.database) on \(Clock.now)."
                ],
                collections: entries.filter { $0.kind != .view }.map {
                    .init(name: $0.name, databaseName: $0.databaseName, records: sizes[$0.databaseName]?.count)
                },
                references: references, types: discovery.types, candidates: candidates,
                exclude: configuration.exclude.map { ($0.pattern, nil) }
            ).yaml
    }
}
