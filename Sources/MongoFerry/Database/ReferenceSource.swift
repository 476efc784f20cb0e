import BSON
import BackupFile
import MongoDriver
import Relations

/// Where the references of an operation come from.
enum ReferenceSource {
    /// The configuration's, where it has any; else what the live data show.
    static func live(
        _ connection: Connection, _ entries: [BackupMetadata.Collection], _ sizes: CollectionSizes,
        _ configuration: Configuration, _ operation: OperationContext,
        _ effort: LiveDiscovery.Effort
    ) throws -> [Reference] {
        if !configuration.references.isEmpty {
            let names = Set(entries.map(\.name))
            return configuration.references.filter { names.contains($0.collection) }
        }
        return try LiveDiscovery(connection, operation, effort).discover(entries, sizes).references
    }
}
