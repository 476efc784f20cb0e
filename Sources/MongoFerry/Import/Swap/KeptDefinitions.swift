import BSON
import BackupFile
import MongoDriver
import Relations

/// What is known of collections that are dropped before the new one is complete: which they are, their options and
/// indexes, and the types that old rows are to become.
///
/// Where the file says nothing of these, they are nowhere else until then, and a run may be interrupted: the next one finds
/// them here.
struct KeptDefinitions {
    let client: Client
    let database: String

    /// What is kept of one collection.
    struct Entry: Sendable {
        var definition: BackupMetadata.Collection
        /// What the documents held: rows of a file without metadata become of these types. Empty for other files.
        var types: [FieldPath: ObservedType] = [:]
        /// The complete collection that it was read from; nil where that is not known.
        var source: Value?
        /// Those that imports have made in its place, and not completed.
        var made: [Value] = []
        /// Whether one may have been dropped or made that ``made`` does not know yet.
        var isOpen = true
        /// Whether all of it is there but for indexes that the server has refused: nothing was interrupted.
        var isOfRefused = false
        /// The digest of the sealed file that was being imported, which has the definition: then this is kept for the name
        /// alone.
        var file: String?
        /// The rows of the collection in such a file that says nothing of itself; nil where that is not known.
        var rows: Int?

        /// Whether it says more than the live collection: there is none, or an import has left it incomplete.
        func isAuthority(over live: CollectionInfo?, uuid: Value?, indexes: [Document]) -> Bool {
            guard let live else { return !isOfRefused }
            guard live.kind != .view, live.hasDetails else { return false }
            if let uuid, made.contains(uuid) { return true }
            guard isOpen, !isSource(uuid) else { return false }
            // Made when the import was killed, or by another program's insert. Not so where somebody has given it options or
            // indexes.
            let kept = CollectionDifferences.byName(definition.indexes)
            return (live.options.isEmpty || live.options == definition.options)
                && CollectionDifferences.byName(indexes).allSatisfy { name, index in
                    name == ExactName("_id_")
                        || kept[name].map(CollectionDifferences.normalized) == CollectionDifferences.normalized(index)
                }
        }

        /// Whether the live collection is the one that should be dropped: it has its definition still.
        func isSource(_ uuid: Value?) -> Bool { uuid != nil && uuid == source }

        /// Whether what has the name may lack documents, or nothing has it, since an import was interrupted.
        func isInPart(isThere: Bool, uuid: Value?) -> Bool {
            guard !isOfRefused, !isSource(uuid) else { return false }
            guard isThere, let uuid else { return true }
            return isOpen || made.contains(uuid)
        }

        /// The options that a collection with these has not, or others than.
        func optionsMissing(in options: Document) -> [String] {
            definition.options.keys.filter { definition.options[$0] != options[$0] }
        }

        /// Those that a collection with these has none of the name of.
        func indexesMissing(in indexes: [Document]) -> [Document] {
            let names = Set(indexes.map(CollectionDifferences.name) + [ExactName("_id_")])
            return definition.indexes.filter { !names.contains(CollectionDifferences.name(of: $0)) }
        }

        /// What of it a collection with such options and indexes lacks, as a text; nil where it has all.
        func textOfMissing(options: Document, indexes: [Document]) -> String? {
            let all =
                optionsMissing(in: options).map { "option \($0)" }
                + indexesMissing(in: indexes).map { "index \($0["name"]?.string ?? "?")" }
            return all.isEmpty ? nil : all.joined(separator: ", ")
        }
    }

    private var records: OwnRecords {
        OwnRecords(client: client, namespace: Namespace(database, OwnNames.definitions))
    }

    /// - Throws: ``MongoError`` where what is kept could not be forgotten again.
    func checkMayForget() throws { try records.checkMayForget() }

    /// As bytes: servers before 5.0 store no `$` names, which validators have.
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

    /// Keeps the indexes that the server has refused of a collection that has all else, for the next import.
    func keepRefused(_ indexes: [Document], of collection: BackupMetadata.Collection) throws {
        var definition = collection
        definition.indexes = indexes
        var entry = Entry(definition: definition)
        entry.isOfRefused = true
        try noteMade(entry)
    }

    /// Says that the collection which has its name now was made by an import, and is not complete.
    func noteMade(_ entry: Entry) throws {
        let name = entry.definition.databaseName
        _ = try note(entry, made: CollectionIdentities.uuid(of: name, in: database, client))
    }

    /// Says that a collection was made by an import, and is not complete.
    /// - Parameter uuid: the collection's; nil where the user may not see it.
    /// - Returns: the entry as it is kept then.
    func note(_ entry: Entry, made uuid: Value?) throws -> Entry {
        guard let uuid else { return entry }
        var entry = entry
        entry.made.append(uuid)
        entry.isOpen = false
        try keep(entry)
        return entry
    }

    /// The collection is complete, or somebody has made another.
    /// - Parameter othersFollow: see ``OwnRecords/forget(_:othersFollow:)``.
    func forget(_ name: String, othersFollow: Bool = false) throws {
        try records.forget(name, othersFollow: othersFollow)
    }

    /// Removes the collection where nothing is kept in it.
    func dropIfEmpty() throws { try records.dropIfEmpty() }

    /// Whether something is kept besides indexes that the server has refused.
    func hasUnfinished() throws -> Bool {
        var hasSome = false
        try records.forEach { if $0["isOfRefused"]?.bool != true { hasSome = true } }
        return hasSome
    }

    /// The names of collections that are in part or gone, since an import was interrupted while it replaced them in place.
    /// - Parameter found: everything in the database.
    func namesInPart(_ found: [CollectionInfo]) throws -> [String] {
        let identities = CollectionIdentities(found)
        return try read().filter { name, entry in
            entry.isInPart(isThere: identities[name] != nil, uuid: identities.uuid(of: name))
        }.keys.sorted()
    }

    /// What is kept, by the collections' names in the database.
    func read() throws -> [String: Entry] {
        var result: [String: Entry] = [:]
        try records.forEach { kept in
            guard let name = kept["_id"]?.string, case .binary(_, let bytes) = kept["definition"]?.copy,
                let definition = try? Document(validating: bytes)
            else { return }
            var collection = BackupMetadata.Collection(name: name, records: 0)
            collection.kind = definition["isTimeSeries"]?.bool == true ? .timeseries : .collection
            collection.options = definition["options"]?.document ?? Document()
            collection.indexes = definition["indexes"]?.array?.compactMap(\.document) ?? []
            var entry = Entry(definition: collection)
            // An older version kept none of these.
            if let source = kept["source"]?.copy, source != .null { entry.source = source }
            entry.made = kept["made"]?.copy.array ?? []
            entry.isOpen = kept["isOpen"]?.bool ?? true
            entry.isOfRefused = kept["isOfRefused"]?.bool ?? false
            entry.file = kept["file"]?.string
            entry.rows = kept["rows"]?.integer.map { Int($0) }
            for seen in kept["types"]?.copy.array ?? [] {
                guard let seen = seen.document, let text = seen["path"]?.string,
                    let path = try? FieldPath(parsing: text),
                    let type = seen["type"]?.string.flatMap(ObservedType.init)
                else { continue }
                entry.types[path] = type
            }
            result[name] = entry
        }
        return result
    }

    /// Forgets what says nothing more, after the lock was taken.
    /// - Parameters:
    ///   - collections: all of the database's.
    ///   - mayDrop: the drop of an import that was killed may still be under way.
    /// - Returns: warnings, where it had something that the live collection has not.
    func forgetOutdated(among collections: [CollectionInfo], mayDrop: Bool) throws -> [String] {
        var warnings: [String] = []
        let identities = CollectionIdentities(collections)
        let kept = try read()
        // An import that was stopped between two collections may have left nothing in it.
        if kept.isEmpty { try dropIfEmpty() }
        for (name, entry) in kept.sorted(by: { $0.key < $1.key }) {
            guard let live = collections.first(where: { $0.name == name }), live.hasDetails else { continue }
            let uuid = identities.uuid(of: name)
            let indexes =
                live.kind == .view
                ? [] : try client.listIndexes(of: Namespace(database, name), readPreference: .primary)
            let isThere = entry.isOfRefused && entry.indexesMissing(in: indexes).isEmpty
            guard isThere || !entry.isAuthority(over: live, uuid: uuid, indexes: indexes),
                !(mayDrop && entry.isSource(uuid))
            else { continue }
            try forget(name)
            // Somebody has built it, or another collection.
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
