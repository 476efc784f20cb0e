import BSON
import BackupFile
import MongoDriver
import Relations

/// A configuration derived from what a live database contains.
public struct DiscoveredConfiguration: Sendable {
    /// The text of a configuration file: collections, references and types, with evidence and candidates as comments.
    public let yaml: String
    /// The confirmed references, between collections that are not left out.
    public let references: [Reference]
    /// Possible references for a person to judge, and references to collections that are left out.
    public let candidates: [ReferenceCandidate]

    /// Runs on a separate thread; cancelling the task stops it.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``; `CancellationError`.
    public static func run(
        _ target: Target, configuration: Configuration = Configuration(),
        _ operation: OperationContext = OperationContext()
    ) async throws -> DiscoveredConfiguration {
        try await Threads.run(cancelling: operation.cancellation) {
            try DiscoveredConfiguration(target, configuration: configuration, operation)
        }
    }

    /// Runs on the calling thread and blocks it.
    /// - Throws: ``FerryError``, ``ConfigurationError``, ``MongoError``; `CancellationError`.
    public init(_ target: Target, configuration: Configuration, _ operation: OperationContext) throws {
        let live = try LiveOverview(target, configuration, operation)
        let (entries, sizes) = (live.catalog.entries, live.sizes)
        let discovery = try LiveDiscovery(live.connection, operation, .thorough).discover(live.catalog, sizes)
        // A configuration has no references to collections that it leaves out.
        let targets = Set(entries.map { ExactName($0.name) })
        references = discovery.references.filter { targets.contains(ExactName($0.target)) }
        candidates =
            discovery.candidates.filter { targets.contains(ExactName($0.target)) }
            + discovery.references.filter { !targets.contains(ExactName($0.target)) }.map(
                ReferenceCandidate.init(toLeftOut:))
        let stored = entries.filter { $0.kind != .view }.map {
            ConfigurationDraft.Collection(
                name: $0.name, databaseName: $0.databaseName, records: sizes[$0.databaseName]?.count)
        }
        // Excluded collections and views are listed if the configuration gives them a database name: `exclude` and the
        // next export depend on it. YAML treats names that look the same as equal, as Swift's strings do.
        let names = Set(stored.map(\.name))
        let named = configuration.collections.filter { $0.saysDatabaseName && !names.contains($0.name) }.map {
            ConfigurationDraft.Collection(name: $0.name, databaseName: $0.databaseName)
        }
        yaml =
            ConfigurationDraft(
                title: [
                    "Discovered by mongoferry \(mongoFerryVersion) in \(live.connection.database) on \(Clock.now)."
                ],
                collections: stored + named, references: references, types: discovery.types,
                candidates: candidates, exclude: configuration.exclude.map { ($0.pattern, nil) }
            ).yaml
    }
}
