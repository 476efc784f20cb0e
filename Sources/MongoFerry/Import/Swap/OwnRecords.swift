import BSON
import MongoDriver

/// Records of this program's own in the database that is imported into: what the next import must know where this one is
/// interrupted.
struct OwnRecords {
    let client: Client
    let namespace: Namespace

    /// Keeps a record, in the place of an earlier one with its `_id`.
    /// - Throws: ``MongoError``.
    func keep(_ record: Document) throws {
        let bulk = try client.bulkWrite(to: namespace)
        try record.withRaw { try bulk.replaceOne(filter: Self.filter(record["_id"]), with: $0, upsert: true) }
        try execute(bulk)
    }

    /// Makes sure that records may be removed again, without a record: better before one is kept than afterwards.
    /// - Throws: ``MongoError``.
    func checkMayForget() throws {
        let bulk = try client.bulkWrite(to: namespace)
        try bulk.deleteOne(filter: ["_id": ["$in": []]])
        try execute(bulk)
    }

    /// Removes a record; the last one takes the whole collection of them away.
    /// - Parameter othersFollow: whether more records are about to be kept or removed: then the collection stays, which is
    ///   for the last one to remove.
    /// - Throws: ``MongoError``.
    func forget(_ id: String, othersFollow: Bool = false) throws {
        let bulk = try client.bulkWrite(to: namespace)
        try bulk.deleteOne(filter: Self.filter(.string(id)))
        try execute(bulk)
        if !othersFollow { try dropIfEmpty() }
    }

    /// Removes the collection where there is no record in it.
    /// - Throws: ``MongoError``.
    func dropIfEmpty() throws {
        guard try client.countDocuments(namespace) == 0 else { return }
        try client.drop(namespace) {
            // Carried out later it would take the next record away.
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
