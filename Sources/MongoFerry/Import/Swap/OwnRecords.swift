import BSON
import MongoDriver

/// This program's own records in the target database: what the next import must know if this one is interrupted.
struct OwnRecords {
    let client: Client
    let namespace: Namespace

    /// Stores a record, replacing one with the same `_id`.
    /// - Throws: ``MongoError``.
    func keep(_ record: Document) throws {
        let bulk = try client.bulkWrite(to: namespace)
        try record.withRaw { try bulk.replaceOne(filter: Self.filter(record["_id"]), with: $0, upsert: true) }
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
        try bulk.deleteOne(filter: Self.filter(.string(id)))
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
        }
    }

    private func execute(_ bulk: BulkWrite) throws {
        let result = try bulk.execute()
        if let refusal = result.writeErrors.first {
            throw FerryError("a record in \(namespace) was refused: \(refusal.message)")
        }
        try DocumentWriter.check(result)
    }

    /// - Throws: ``MongoError``; what `body` throws.
    func forEach(_ body: (RawDocument) throws -> Void) throws {
        try client.find(namespace, [:]).forEach(body)
    }

    private static func filter(_ id: Value?) -> Document { ["_id": ["$eq": id ?? .null]] }
}
