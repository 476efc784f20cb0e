import BSON
import MongoDriver
import Relations

/// What interrupted imports have left in a database: collections get their names back if these are free, and the rest
/// is removed.
struct Leftovers {
    let connection: Connection
    let lock: ImportLock
    let operation: OperationContext
    /// All collections of the database, listed after the lock was taken.
    let collections: [CollectionInfo]

    /// Gives displaced collections their names back, where these are free, and removes those whose views exist.
    /// ``removeRest(after:)`` is to follow.
    /// - Throws: ``FerryError`` if the lock was lost; ``MongoError``.
    func giveNamesBack() throws -> DisplacedCollections.Recovery {
        // If another import has taken the lock over, the leftovers may be in use.
        try lock.check()
        let displaced = DisplacedCollections(
            connection: connection, lock: lock, cancellation: operation.cancellation)
        let recovery = try displaced.recover(among: collections)
        for (name, place) in recovery.kept {
            operation.warning(
                "an earlier import was interrupted, and something else has the name \(name) since: what it was before stays in \(place) until you rename or drop it"
            )
        }
        return recovery
    }

    /// What to say of the collections that have got their names back.
    static func text(_ recovery: DisplacedCollections.Recovery) -> String {
        "an earlier import was interrupted: collections have got their names back: \(recovery.restored.joined(separator: ", "))"
    }

    /// Removes the rest of what interrupted imports have left.
    /// - Throws: ``FerryError`` if the lock was lost; ``MongoError``.
    func removeRest(after recovery: DisplacedCollections.Recovery) throws {
        if !recovery.restored.isEmpty { operation.warning(Self.text(recovery)) }
        try forgetDefinitions()
        let litter = try removeStaging() + recovery.removed
        // Once the lock is this import's, nothing else tells that another import may have left its collections
        // incomplete.
        let advice =
            lock.tookOver
            ? "; where that was another import than this one, run it again: its collections may be in part" : ""
        if litter > 0 {
            operation.warning(
                "an earlier import was interrupted: \(litter.counted("collection that it had left behind was removed", "collections that it had left behind were removed"))\(advice)"
            )
        } else if lock.tookOver {
            operation.warning("an earlier import was interrupted: its lock was taken over\(advice)")
        }
    }

    /// Removes, at the end of an import that took over the lock of a killed one, the records that had to stay while
    /// that one's commands might still be under way.
    /// - Throws: ``FerryError``, ``MongoError``.
    func removeRecordsOfKilled() throws {
        try DisplacedCollections(connection: connection, lock: lock, cancellation: operation.cancellation)
            .forgetUnused(among: collections)
        guard collections.contains(where: { $0.name == OwnNames.definitions }) else { return }
        let warnings = try connection.withClient {
            try ownDefinitions($0).forgetOutdated(among: collections, mayDrop: false)
        }
        for warning in warnings { operation.warning(warning) }
    }

    private func forgetDefinitions() throws {
        guard collections.contains(where: { $0.name == OwnNames.definitions }) else { return }
        let (warnings, inPart) = try connection.withClient {
            let kept = try ownDefinitions($0)
            return (
                try kept.forgetOutdated(among: collections, mayDrop: lock.tookOver),
                try kept.kept.namesInPart(collections)
            )
        }
        for warning in warnings { operation.warning(warning) }
        if !inPart.isEmpty {
            operation.warning(
                "an earlier import was interrupted while it replaced \(inPart.listed("and")) in place: it was in part, or gone, when this import began, and is whole when an import has replaced it or has merged all of the same file"
            )
        }
    }

    /// The records that this import may change.
    /// - Throws: ``FerryError`` if the lock is another import's by now, and perhaps the records; ``MongoError``.
    private func ownDefinitions(_ client: Client) throws -> KeptDefinitionsWriter {
        let kept = lock.definitions(client, of: connection.database)
        let owners = try kept.kept.read().values.map(\.owner)
        try lock.confirm()
        lock.note(predecessors: owners)
        return kept
    }

    /// - Returns: the number of collections that were removed.
    @discardableResult
    func removeStaging() throws -> Int {
        try connection.withClient { client in
            // Only the storage may be left of a time series whose drop was interrupted; it is dropped by the series'
            // name.
            let storage = ServerNames.buckets(of: "")
            let names = Set(collections.map { ExactName($0.name.behindScalarPrefix(storage) ?? $0.name) })
            let litter = names.filter { $0.text.hasScalarPrefix(OwnNames.stagingPrefix) }
            for name in litter { try client.drop(connection.namespace(name.text)) }
            return litter.count
        }
    }
}
