import BSON
import BackupFile
import MongoDriver
import Relations

/// Writes a configuration from what a live database shows.
public struct Discovering: Sendable {
    public let yaml: String
    public let references: [Reference]
    public let candidates: [ReferenceCandidate]

    /// - Throws: ``FerryError``, ``MongoError``; `CancellationError`.
    public init(_ target: Target, configuration: Configuration, _ operation: OperationContext) throws {
        let live = try LiveOverview(target, configuration, operation)
        let (entries, sizes) = (live.catalog.entries, live.sizes)
        let discovery = try LiveDiscovery(live.connection, operation, .thorough).discover(entries, sizes)
        references = discovery.references
        candidates = discovery.candidates
        yaml =
            ConfigurationDraft(
                title: [
                    "Discovered by mongoferry \(mongoFerryVersion) in \(live.connection.database) on \(Clock.now)."
                ],
                collections: entries.filter { $0.kind != .view }.map {
                    .init(name: $0.name, databaseName: $0.databaseName, records: sizes[$0.databaseName]?.count)
                },
                references: discovery.references, types: discovery.types, candidates: discovery.candidates,
                exclude: configuration.exclude.map { ($0.pattern, nil) }
            ).yaml
    }

    static func requireSomething(_ catalog: Catalog, _ connection: Connection) throws {
        guard catalog.entries.isEmpty, catalog.excluded.isEmpty else { return }
        let missing = MissingDatabase(connection)
        throw FerryError(missing.text, details: missing.details, advice: missing.hint.map { [$0] } ?? [])
    }
}
