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
    /// See ``OwnRecords/lock``.
    let lock: ImportLock?

    /// - Parameter lock: nil to read only.
    init(client: Client, database: String, lock: ImportLock? = nil) {
        self.client = client
        self.database = database
        self.lock = lock
    }

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

    private var records: OwnRecords {
        OwnRecords(client: client, namespace: Namespace(database, OwnNames.definitions), lock: lock)
    }

    /// - Throws: ``MongoError`` if records could not be removed again.
    func checkMayForget() throws { try records.checkMayForget() }

    /// Stores a record. The definition is stored as bytes: servers before 5.0 store no field names with `$`, which
    /// validators have.
    func keep(_ entry: Entry) throws {
        let definition: Document = [
            "isTimeSeries": .bool(entry.definition.kind == .timeseries),
            "options": .document(entry.definition.options),
            "indexes": .array(entry.definition.indexes.map { .document($0) }),
        ]
        let name = entry.definition.databaseName
        try records.keep([
            "_id": .string(name), "definition": .binary(subtype: 0, definition.bytes),
            "source": entry.source ?? .null, "made": .array(entry.made), "isOpen": .bool(entry.isOpen),
            "isOfRefused": .bool(entry.isOfRefused), "file": entry.file.map { .string($0) } ?? .null,
            "types": .array(
                entry.types.map { ["path": .string("\($0)"), "type": .string("\($1)")] }),
            "rows": entry.rows.map { .int64(Int64($0)) } ?? .null,
        ])
    }

    /// Records the indexes that the server refused, of a collection that has everything else, for the next import.
    func keepRefused(_ indexes: [Document], of collection: BackupMetadata.Collection) throws {
        var definition = collection
        definition.indexes = indexes
        var entry = Entry(definition: definition)
        entry.isOfRefused = true
        try noteMade(entry)
    }

    /// Records that the collection that now has the name was created by an import and is incomplete.
    func noteMade(_ entry: Entry) throws {
        let name = entry.definition.databaseName
        _ = try note(entry, made: CollectionIdentities.uuid(of: name, in: database, client))
    }

    /// Records that a collection was created by an import and is incomplete.
    /// - Parameter uuid: the collection's; nil if the user may not see it.
    /// - Returns: the record as it is stored then.
    func note(_ entry: Entry, made uuid: Value?) throws -> Entry {
        guard let uuid else { return entry }
        var entry = entry
        entry.made.append(uuid)
        entry.isOpen = false
        try keep(entry)
        return entry
    }

    /// Removes the record of a collection that is complete, or that somebody has created again.
    /// - Parameter othersFollow: see ``OwnRecords/forget(_:othersFollow:)``.
    func forget(_ name: String, othersFollow: Bool = false) throws {
        try records.forget(name, othersFollow: othersFollow)
    }

    /// Drops the collection of the records if it is empty.
    func dropIfEmpty() throws { try records.dropIfEmpty() }

    /// Whether there are records other than those of refused indexes.
    func hasUnfinished() throws -> Bool {
        var hasSome = false
        try records.forEach { if $0["isOfRefused"]?.bool != true { hasSome = true } }
        return hasSome
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

    /// The records, by the collections' names in the database.
    /// - Throws: ``FerryError`` for one that cannot be read; ``MongoError``.
    func read() throws -> [ExactName: Entry] {
        var result: [ExactName: Entry] = [:]
        try records.forEach { kept in
            guard let name = kept["_id"]?.string, case .binary(_, let bytes) = kept["definition"]?.copy,
                let definition = try? Document(validating: bytes)
            else { throw records.unreadable(kept) }
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

    /// Removes records that are out of date, after the lock was taken.
    /// - Parameters:
    ///   - collections: all collections of the database.
    ///   - mayDrop: whether the drop of a killed import may still be in progress.
    /// - Returns: warnings about definitions that the live collection lacks.
    func forgetOutdated(among collections: [CollectionInfo], mayDrop: Bool) throws -> [String] {
        var warnings: [String] = []
        let identities = CollectionIdentities(collections)
        let kept = try read()
        // An import that was stopped between two collections may have left no records.
        if kept.isEmpty { try dropIfEmpty() }
        for (key, entry) in kept.sorted(by: { $0.key < $1.key }) {
            let name = key.text
            guard let live = collections.first(where: { $0.name.hasSameBytes(as: name) }), live.hasDetails
            else { continue }
            let uuid = identities.uuid(of: name)
            let indexes =
                live.kind == .view
                ? [] : try client.listIndexes(of: Namespace(database, name), readPreference: .primary)
            let isThere = entry.isOfRefused && entry.indexesMissing(in: indexes).isEmpty
            guard isThere || !entry.isAuthority(over: live, uuid: uuid, indexes: indexes),
                !(mayDrop && entry.isSource(uuid))
            else { continue }
            try forget(name)
            // Somebody has built the index or created another collection, or the file has the definition.
            if entry.isOfRefused || entry.file != nil { continue }
            guard !entry.isSource(uuid), let text = entry.textOfMissing(options: live.options, indexes: indexes) else {
                continue
            }
            warnings.append(
                "\(name) was made anew after an import was interrupted: what it had before is kept no longer: \(text)")
        }
        return warnings
    }
}
