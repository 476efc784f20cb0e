import BSON
import BackupFile
import MongoDriver
import Relations

/// Changes ``KeptDefinitions``.
struct KeptDefinitionsWriter {
    let kept: KeptDefinitions
    let lock: ImportLock

    private var client: Client { kept.client }
    private var database: String { kept.database }
    private var records: OwnRecordWriter { OwnRecordWriter(records: kept.records, lock: lock) }

    /// - Throws: ``MongoError`` if records could not be removed again.
    func checkMayForget() throws { try records.checkMayForget() }

    /// Stores a record. The definition is stored as bytes: servers before 5.0 store no field names with `$`, which
    /// validators have.
    func keep(_ entry: KeptDefinitions.Entry) throws {
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
        var entry = KeptDefinitions.Entry(definition: definition)
        entry.isOfRefused = true
        try noteMade(entry)
    }

    /// Records that the collection that now has the name was created by an import and is incomplete.
    func noteMade(_ entry: KeptDefinitions.Entry) throws {
        let name = entry.definition.databaseName
        _ = try note(entry, made: CollectionIdentities.uuid(of: name, in: database, client))
    }

    /// Records that a collection was created by an import and is incomplete.
    /// - Parameter uuid: the collection's; nil if the user may not see it.
    /// - Returns: the record as it is stored then.
    func note(_ entry: KeptDefinitions.Entry, made uuid: Value?) throws -> KeptDefinitions.Entry {
        guard let uuid else { return entry }
        var entry = entry
        entry.made.append(uuid)
        entry.isOpen = false
        try keep(entry)
        return entry
    }

    /// Removes the record of a collection that is complete, or that somebody has created again.
    /// - Parameter othersFollow: see ``OwnRecordWriter/forget(_:othersFollow:)``.
    func forget(_ name: String, othersFollow: Bool = false) throws {
        try records.forget(name, othersFollow: othersFollow)
    }

    /// Drops the collection of the records if it is empty.
    func dropIfEmpty() throws { try records.dropIfEmpty() }

    /// Removes records that are out of date, after the lock was taken.
    /// - Parameters:
    ///   - collections: all collections of the database.
    ///   - mayDrop: whether the drop of a killed import may still be in progress.
    /// - Returns: warnings about definitions that the live collection lacks.
    func forgetOutdated(among collections: [CollectionInfo], mayDrop: Bool) throws -> [String] {
        var warnings: [String] = []
        let identities = CollectionIdentities(collections)
        let kept = try kept.read()
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

extension ImportLock {
    /// The definitions, to be changed by the import that holds the lock.
    func definitions(_ client: Client, of database: String) -> KeptDefinitionsWriter {
        KeptDefinitionsWriter(kept: KeptDefinitions(client: client, database: database), lock: self)
    }
}
