import BSON
import MongoDriver

extension Client {
    /// Drops a collection or view, once nothing of other clients' is in the way; it is no error if it does not exist.
    /// - Parameters:
    ///   - cancellation: ends the waiting.
    ///   - beforeAgain: called before each retry. It is then unknown whether an earlier attempt succeeded, and the name
    ///     may belong to another collection by then.
    ///   - beforeEach: called before each attempt, also after waiting.
    func drop(
        _ namespace: Namespace, writeConcern: WriteConcern = .majority, _ cancellation: Cancellation = Cancellation(),
        beforeAgain: () throws -> Void = {}, beforeEach: () throws -> Void = {}
    ) throws {
        try dropOwn(namespace, writeConcern: writeConcern, cancellation) {
            try beforeAgain()
            return true
        } beforeEach: {
            try beforeEach()
        }
    }

    /// Whether collections of these names may exist: true also if they cannot be listed.
    ///
    /// A user can list every collection that the same user could have created.
    func mayHave(_ names: [String], in database: String) -> Bool {
        (try? listCollections(in: database, named: names, readPreference: .primary))?.isEmpty != true
    }

    /// Drops a collection whose name another program may take as soon as it is free.
    /// - Parameters:
    ///   - cancellation: as for ``drop(_:writeConcern:_:beforeAgain:beforeEach:)``, as is `beforeEach`.
    ///   - isOwn: asked before each retry, since it is unknown whether an earlier attempt succeeded; false ends the
    ///     attempts.
    func dropOwn(
        _ namespace: Namespace, writeConcern: WriteConcern, _ cancellation: Cancellation = Cancellation(),
        while isOwn: () throws -> Bool, beforeEach: () throws -> Void = {}
    ) throws {
        do {
            try Repeating.run { isAgain in
                if isAgain, try !isOwn() { return }
                try Repeating.whileHeldUp(cancellation) {
                    try beforeEach()
                    try runWrite(
                        ["drop": .string(namespace.collection)], on: namespace.database, writeConcern: writeConcern)
                }
            }
        } catch let error as MongoError where error.isNamespaceNotFound {}
    }

    /// The number of documents in a collection by the server's metadata, 0 if it does not exist. After a crash it may
    /// lack the last minute's writes, and in a sharded cluster it may be slightly off. For views and time series,
    /// servers keep no such count and count the documents.
    ///
    /// Source: MongoDB manual, `count`.
    /// - Throws: ``MongoError``.
    func estimatedCount(_ namespace: Namespace, readPreference: ReadPreference = .connectionString) throws -> Int {
        let command: Document = ["count": .string(namespace.collection)]
        return try runRead(command, on: namespace.database, readPreference: readPreference)["n"]?.integer ?? 0
    }

    /// The number of documents of a collection on the primary, for uses that need the answer to be stable.
    ///
    /// The metadata count of a sharded cluster includes documents that are being migrated to another shard twice;
    /// there, the documents are counted.
    /// - Throws: ``MongoError``.
    func steadyCount(_ namespace: Namespace) throws -> Int {
        try pool.leadsToRouter ? countDocuments(namespace) : likelyCount(namespace)
    }

    /// The number of documents of a collection on the primary by the server's metadata, unless that says none: after a
    /// crash it may, of a collection that is full, and nobody is to take such a one for empty.
    /// - Throws: ``MongoError``.
    func likelyCount(_ namespace: Namespace) throws -> Int {
        let count = try estimatedCount(namespace, readPreference: .primary)
        return count > 0 ? count : try countDocuments(namespace)
    }

    /// The number of documents that are dropped with whatever has a name: none with a view, and if nothing has it.
    /// - Throws: ``MongoError``.
    func countStored(in namespace: Namespace) throws -> Int {
        let found = try listCollections(
            in: namespace.database, named: [namespace.collection], readPreference: .primary)
        guard found.contains(where: { $0.kind != .view }) else { return 0 }
        return try steadyCount(namespace)
    }

    /// Whether a collection has `count` documents: by the server's metadata, or by counting if that differs.
    func hasCount(_ count: Int, _ namespace: Namespace) throws -> Bool {
        try estimatedCount(namespace, readPreference: .primary) == count || countDocuments(namespace) == count
    }

    /// Counts the documents exactly, rather than using the server's estimate.
    /// - Parameter readConcern: a snapshot's read concern, to count at its point in time and where it is read; nil to
    ///   count the current documents. An import reads from the primary.
    func countDocuments(_ namespace: Namespace, readConcern: ReadConcern? = nil) throws -> Int {
        var count = 0
        let pipeline: [Document] = [["$group": ["_id": 1, "n": ["$sum": 1]]]]
        let cursor = try aggregate(
            namespace, pipeline: pipeline,
            options: .init(readConcern: readConcern))
        try cursor.forEach { count = Int($0["n"]?.integer ?? 0) }
        return count
    }
}
