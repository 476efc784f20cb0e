import BSON
import BackupFile
import MongoDriver

/// This program's own records in the target database: what the next import must know if this one is interrupted.
struct OwnRecords {
    let client: Client
    let namespace: Namespace

    /// - Throws: ``MongoError``; what `body` throws.
    func forEach(_ body: (RawDocument) throws -> Void) throws {
        try client.find(namespace, [:]).forEach(body)
    }

    /// The error for a record that something else has changed. What it says stands nowhere else, so it does not pass for
    /// one that says nothing.
    func unreadable(_ record: RawDocument, advice: String) -> FerryError {
        let id = record["_id"].map { JSONText.value($0.copy).excerpt(200) } ?? "without an _id"
        return FerryError(
            "the record \(id) in \(namespace) cannot be read: it has what an import dropped or moved, and something else has changed it",
            advice: ["\(advice) Then run the command again."])
    }
}

/// Changes ``OwnRecords``.
///
/// Each record names the import that stored it, and an import changes only its own and those of imports before it: if
/// it was suspended and another has taken the lock over, the rest are that one's.
struct OwnRecordWriter {
    let records: OwnRecords
    let lock: ImportLock

    private var client: Client { records.client }
    private var namespace: Namespace { records.namespace }

    /// Stores a record, replacing one with the same `_id`.
    /// - Throws: ``FerryError`` if another import has stored one since; ``MongoError``.
    func keep(_ record: Document) throws {
        let record = record.appending("owner", .string(lock.owner))
        let bulk = try client.bulkWrite(to: namespace)
        try record.withRaw { try bulk.replaceOne(filter: filter(record["_id"]), with: $0, upsert: true) }
        try execute(bulk)
    }

    /// Checks, without a record, that records can be removed again: better before one is stored than afterwards.
    /// - Throws: ``MongoError``.
    func checkMayForget() throws {
        let bulk = try client.bulkWrite(to: namespace)
        try bulk.deleteOne(filter: ["_id": ["$in": []]])
        try execute(bulk)
    }

    /// Removes a record, and with the last one their collection.
    /// - Parameter othersFollow: whether more records are about to be stored or removed; the collection then stays, for
    ///   the last one to drop.
    /// - Throws: ``MongoError``.
    func forget(_ id: String, othersFollow: Bool = false) throws {
        let bulk = try client.bulkWrite(to: namespace)
        try bulk.deleteOne(filter: filter(.string(id)))
        try execute(bulk)
        if !othersFollow { try dropIfEmpty() }
    }

    /// Drops the collection if it has no records.
    /// - Throws: ``MongoError``.
    func dropIfEmpty() throws {
        guard try client.countDocuments(namespace) == 0 else { return }
        try client.drop(namespace) {
            // If an earlier attempt were executed later, it would drop the next record.
            try EarlierWrites(pool: client.pool, database: namespace.database, cancellation: Cancellation())
                .waitForEnd(namespace.collection)
        } beforeEach: {
            try lock.check()
        }
    }

    private func execute(_ bulk: BulkWrite) throws {
        try lock.check()
        let result = try bulk.execute()
        if let refusal = result.writeErrors.first {
            // The record that is there is another import's, so this one should have lost the lock.
            if refusal.isDuplicateKey { try lock.confirm() }
            throw FerryError("a record in \(namespace) was refused: \(refusal.message)")
        }
        try result.requireConfirmed()
    }

    private func filter(_ id: Value?) -> Document {
        let owners = lock.ownersOfRecords.map { owner in owner.map { Value.string($0) } ?? .null }
        return ["_id": ["$eq": id ?? .null], "owner": ["$in": .array(owners)]]
    }
}
