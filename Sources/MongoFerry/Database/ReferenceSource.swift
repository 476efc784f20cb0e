import BSON
import BackupFile
import MongoDriver
import Relations

/// Where the references of an operation come from.
enum ReferenceSource {
    /// A reference in a file's metadata that this program cannot read.
    struct Fault: CustomStringConvertible {
        let cause: ReferenceError

        var description: String { "a reference in the metadata is not understood: \(cause)" }
        /// What is said where the others are used without it.
        var warning: String { "a reference in the metadata is not understood and is left out: \(cause)" }
    }

    /// The configuration's; of collections of which it says none the file's own, or what its legacy rows show.
    static func file(
        _ configuration: Configuration, _ metadata: BackupMetadata?, _ legacy: LegacyTypes? = nil
    ) -> (references: [Reference], faults: [Fault]) {
        func isOpen(_ reference: Reference) -> Bool {
            configuration.collection(reference.collection)?.saysReferences != true
        }
        guard let metadata else {
            return (configuration.references + (legacy?.references ?? []).filter(isOpen), [])
        }
        var (references, faults): ([Reference], [Fault]) = (configuration.references, [])
        for document in metadata.references {
            do throws(ReferenceError) {
                let reference = try Reference(document: document)
                if isOpen(reference) { references.append(reference) }
            } catch {
                faults.append(Fault(cause: error))
            }
        }
        return (references, faults)
    }

    /// The configuration's, where it has any; else what the live data show.
    static func live(
        _ connection: Connection, _ catalog: Catalog, _ sizes: CollectionSizes, _ configuration: Configuration,
        _ operation: OperationContext, _ effort: LiveDiscovery.Effort
    ) throws -> [Reference] {
        if !configuration.references.isEmpty {
            let names = Set(catalog.entries.map(\.name))
            return configuration.references.filter { names.contains($0.collection) }
        }
        return try LiveDiscovery(connection, operation, effort).discover(catalog, sizes).references.filter {
            configuration.collection($0.collection)?.saysReferences != true
        }
    }
}
