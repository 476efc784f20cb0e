import BSON
import MongoDriver

extension Client {
    /// Drops a collection or view; one that does not exist is no error.
    /// - Parameter beforeAgain: called before it is tried once more, since nobody knows whether it was done: what has that
    ///   name may be another by then.
    func drop(
        _ namespace: Namespace, writeConcern: WriteConcern = .majority, beforeAgain: () throws -> Void = {}
    ) throws {
        try dropOwn(namespace, writeConcern: writeConcern) {
            try beforeAgain()
            return true
        }
    }

    /// Whether there may be collections of these names: whoever cannot look has to take it so.
    ///
    /// A user sees what the same user could have created.
    func mayHave(_ names: [String], in database: String) -> Bool {
        (try? listCollections(in: database, named: names, readPreference: .primary))?.isEmpty != true
    }

    /// Drops a collection whose name another program may take as soon as it is free.
    /// - Parameter isOwn: asked before it is tried once more, since nobody knows whether it was done.
    func dropOwn(_ namespace: Namespace, writeConcern: WriteConcern, while isOwn: () throws -> Bool) throws {
        do {
            try Repeating.run { isAgain in
                if isAgain, try !isOwn() { return }
                try runWrite(
                    ["drop": .string(namespace.collection)], on: namespace.database, writeConcern: writeConcern)
            }
        } catch let error as MongoError where error.isNamespaceNotFound {}
    }

    /// How many documents a collection has, as the server keeps account of it: after a crash it may lack what the last minute
    /// before it brought, and in a sharded cluster it may be a little off. 0 where there is none. Of a view or a time series
    /// servers keep no account, and count.
    ///
    /// Source: MongoDB manual, `count`.
    /// - Throws: ``MongoError``.
    func estimatedCount(_ namespace: Namespace, readPreference: ReadPreference = .connectionString) throws -> Int {
        let command: Document = ["count": .string(namespace.collection)]
        return try runRead(command, on: namespace.database, readPreference: readPreference)["n"]?.integer ?? 0
    }

    /// How many documents a collection has on the primary, where it matters that the answer does not change by itself.
    ///
    /// The account of a sharded cluster has documents twice that are on their way to another shard: they are counted there.
    /// - Throws: ``MongoError``.
    func steadyCount(_ namespace: Namespace) throws -> Int {
        try pool.leadsToRouter
            ? countDocuments(namespace) : estimatedCount(namespace, readPreference: .primary)
    }

    /// Whether a collection has that many documents: by the server's own count, and by counting where that differs.
    func hasCount(_ count: Int, _ namespace: Namespace) throws -> Bool {
        try estimatedCount(namespace, readPreference: .primary) == count || countDocuments(namespace) == count
    }

    /// Exact by counting, not by the server's estimate.
    /// - Parameter readConcern: a snapshot's, to count at its moment where it is read; nil for now. An import reads from the primary.
    func countDocuments(_ namespace: Namespace, readConcern: Document? = nil) throws -> Int {
        var count = 0
        let pipeline: [Document] = [["$group": ["_id": 1, "n": ["$sum": 1]]]]
        let cursor = try aggregate(
            namespace, pipeline: pipeline,
            options: .init(readConcern: readConcern))
        try cursor.forEach { count = Int($0["n"]?.integer ?? 0) }
        return count
    }
}
