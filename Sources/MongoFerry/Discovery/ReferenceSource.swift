import BSON
import BackupFile
import MongoDriver
import Relations

/// Determines the references of an operation.
enum ReferenceSource {
    /// A reference in a file's metadata that this program cannot parse.
    struct Fault: CustomStringConvertible {
        let cause: ReferenceError

        var description: String { "a reference in the metadata is not understood: \(cause)" }
        /// The warning if the others are used without it.
        var warning: String { "a reference in the metadata is not understood and is left out: \(cause)" }
    }

    /// The configuration's references; for collections for which it states none, those in the file's metadata, or those
    /// that its rows show.
    /// - Parameters:
    ///   - legacy: the types found in a file without metadata.
    ///   - rows: the collections in such a file.
    static func file(
        _ configuration: Configuration, _ metadata: BackupMetadata?, _ legacy: LegacyTypes? = nil, rows: [String] = []
    ) -> (references: [Reference], faults: [Fault]) {
        let fileNames = FileNames(metadata: metadata, configuration: configuration, renames: [:])
        let names = NameSpellings(
            metadata?.collections.map(\.name) ?? rows,
            others: configuration.namesOfLeftOut(metadata?.excluded ?? []), configuration,
            databaseName: fileNames.databaseName)
        let configured = configuration.references.map(names.spelled)
        func isOpen(_ reference: Reference) -> Bool {
            configuration.collection(reference.collection)?.saysReferences != true
        }
        guard let metadata else {
            return (configured + (legacy?.references ?? []).filter(isOpen), [])
        }
        var (references, faults): ([Reference], [Fault]) = (configured, [])
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

    /// The configuration's references, if it has any; otherwise those that the live data show.
    /// - Parameter doubt: called with each path that nearly is a reference and looks as if its data were damaged.
    static func live(
        _ connection: Connection, _ catalog: Catalog, _ sizes: CollectionSizes, _ configuration: Configuration,
        _ operation: OperationContext, _ effort: DiscoveryEffort,
        doubt: (ReferenceCandidate) -> Void = { _ in }
    ) throws -> [Reference] {
        if !configuration.references.isEmpty {
            let names = catalog.entries.map(\.name)
            let there = Set(names.map { ExactName($0) })
            let spellings = NameSpellings(
                names, others: configuration.namesOfLeftOut(catalog.excluded), configuration,
                databaseName: configuration.databaseName)
            return configuration.references.map(spellings.spelled).filter { there.contains(ExactName($0.collection)) }
        }
        let discovery = try LiveDiscovery(connection, operation, effort).discover(catalog, sizes).starting {
            configuration.collection($0)?.saysReferences != true
        }
        discovery.candidates.filter(\.looksDamaged).forEach(doubt)
        return discovery.references
    }
}

extension [BackupMetadata.Collection] {
    /// The references that count for the order of collections: none that start in a view, which has no documents of its
    /// own and stands behind all collections.
    func thatCount(of references: [Reference]) -> [Reference] {
        let views = Set(filter { $0.kind == .view }.map { ExactName($0.name) })
        return views.isEmpty ? references : references.filter { !views.contains(ExactName($0.collection)) }
    }
}
