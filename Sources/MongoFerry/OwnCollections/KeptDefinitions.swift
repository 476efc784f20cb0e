import BSON
import BackupFile
import MongoDriver
import Relations

/// Records of collections that are dropped before the new one is complete: their identities, options and indexes, and
/// the types that legacy rows are to get.
///
/// If the file has no metadata, these exist nowhere else until then. After an interruption, the next import finds them
/// here.
struct KeptDefinitions {
    let client: Client
    let database: String

    /// The record of one collection.
    struct Entry: Sendable {
        var definition: BackupMetadata.Collection
        /// The types in the documents, which rows of a file without metadata get. Empty for other files.
        var types: [FieldPath: ObservedType] = [:]
        /// The UUID of the complete collection that was described; nil if unknown.
        var source: Value?
        /// The UUIDs of collections that imports have created in its place and not completed.
        var made: [Value] = []
        /// Whether a collection may have been dropped or created that ``made`` does not have yet.
        var isOpen = true
        /// Whether the collection is complete except for indexes that the server refused: nothing was interrupted.
        var isOfRefused = false
        /// The digest of the sealed file that was being imported, which has the definition, too; nil for a file without
        /// metadata.
        var file: String?
        /// The number of the collection's rows in a file without metadata; nil if unknown.
        var rows: Int?
        /// The import that stored the record; nil for a new one, and for one of an older version.
        var owner: String?

        /// Whether the record says more than the live collection: there is none, or an import has left it incomplete.
        func isAuthority(over live: CollectionInfo?, uuid: Value?, indexes: [Document]) -> Bool {
            guard let live else { return !isOfRefused }
            guard live.kind != .view, live.hasDetails else { return false }
            if let uuid, made.contains(uuid) { return true }
            guard isOpen, !isSource(uuid) else { return false }
            // The collection was created when the import was killed, or by another program's insert. It was not if
            // somebody has given it other options or indexes.
            let kept = CollectionDifferences.byName(definition.indexes)
            return (live.options.isEmpty || live.options == definition.options)
                && CollectionDifferences.byName(indexes).allSatisfy { name, index in
                    name == ExactName("_id_")
                        || kept[name].map(CollectionDifferences.normalized) == CollectionDifferences.normalized(index)
                }
        }

        /// Whether the live collection is the one that was to be dropped; it still has its definition.
        func isSource(_ uuid: Value?) -> Bool { uuid != nil && uuid == source }

        /// Whether, after an interrupted import, the collection of this name may lack documents or does not exist.
        func isInPart(isThere: Bool, uuid: Value?) -> Bool {
            guard !isOfRefused, !isSource(uuid) else { return false }
            guard isThere, let uuid else { return true }
            return isOpen || made.contains(uuid)
        }

        /// The options that a collection with these options lacks, or has with other values.
        func optionsMissing(in options: Document) -> [String] {
            definition.options.keys.filter { definition.options[$0] != options[$0] }
        }

        /// The indexes whose names are not among these indexes.
        func indexesMissing(in indexes: [Document]) -> [Document] {
            let names = Set(indexes.map(CollectionDifferences.name) + [ExactName("_id_")])
            return definition.indexes.filter { !names.contains(CollectionDifferences.name(of: $0)) }
        }

        /// What a collection with such options and indexes lacks, as text; nil if nothing.
        func textOfMissing(options: Document, indexes: [Document]) -> String? {
            let all =
                optionsMissing(in: options).map { "option \($0)" }
                + indexesMissing(in: indexes).map { "index \($0["name"]?.string ?? "?")" }
            return all.isEmpty ? nil : all.joined(separator: ", ")
        }
    }

    var records: OwnRecords {
        OwnRecords(client: client, namespace: Namespace(database, OwnNames.definitions))
    }

    /// Whether there are records other than those of refused indexes.
    func hasUnfinished() throws -> Bool {
        try read().values.contains { !$0.isOfRefused }
    }

    /// The names of collections that are incomplete or missing because an import was interrupted while it replaced them
    /// in place.
    /// - Parameter found: everything in the database.
    func namesInPart(_ found: [CollectionInfo]) throws -> [String] {
        let identities = CollectionIdentities(found)
        return try read().filter { name, entry in
            entry.isInPart(isThere: identities[name.text] != nil, uuid: identities.uuid(of: name.text))
        }.keys.sorted().map(\.text)
    }

    private static let adviceIfUnreadable =
        "Delete it in mongosh where the collection that it names is as it should be."

    /// The records, by the collections' names in the database.
    /// - Throws: ``FerryError`` for one that cannot be read; ``MongoError``.
    func read() throws -> [ExactName: Entry] {
        var result: [ExactName: Entry] = [:]
        try records.forEach { kept in
            guard let name = kept["_id"]?.string, case .binary(_, let bytes) = kept["definition"]?.copy,
                let definition = try? Document(validating: bytes)
            else { throw records.unreadable(kept, advice: Self.adviceIfUnreadable) }
            var collection = BackupMetadata.Collection(name: name, records: 0)
            collection.kind = definition["isTimeSeries"]?.bool == true ? .timeseries : .collection
            collection.options = definition["options"]?.document ?? Document()
            collection.indexes = definition["indexes"]?.array?.compactMap(\.document) ?? []
            var entry = Entry(definition: collection)
            // An older version stored none of these.
            if let source = kept["source"]?.copy, source != .null { entry.source = source }
            entry.made = kept["made"]?.copy.array ?? []
            entry.isOpen = kept["isOpen"]?.bool ?? true
            entry.isOfRefused = kept["isOfRefused"]?.bool ?? false
            entry.file = kept["file"]?.string
            entry.owner = kept["owner"]?.string
            entry.rows = kept["rows"]?.integer.map { Int($0) }
            for seen in kept["types"]?.copy.array ?? [] {
                guard let seen = seen.document, let text = seen["path"]?.string,
                    let path = try? FieldPath(parsing: text),
                    let type = seen["type"]?.string.flatMap(ObservedType.init)
                else { continue }
                entry.types[path] = type
            }
            result[ExactName(name)] = entry
        }
        return result
    }
}
