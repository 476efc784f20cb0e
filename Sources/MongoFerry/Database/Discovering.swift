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
        let database = try target.namedDatabase()
        operation.warnOfIgnoredOptions(target)
        let (connection, found) = try Connection.listing(target, database: database, operation.cancellation)
        let catalog = try Catalog(database, found, configuration: configuration)
        try Self.requireSomething(catalog, connection)
        UnseenOptions.warn(found, in: database, operation)
        if let unfinished = try UnfinishedImport.warning(found, connection) { operation.warning(unfinished) }
        let sizes = try connection.sizes(of: catalog.entries)
        let discovery = try LiveDiscovery(connection, operation, .thorough).discover(catalog.entries, sizes)
        references = discovery.references
        candidates = discovery.candidates
        yaml =
            ConfigurationDraft(
                title: ["Discovered by mongoferry \(mongoFerryVersion) in \(database) on \(Clock.now)."],
                collections: catalog.entries.filter { $0.kind != .view }.map {
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
