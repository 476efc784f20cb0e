import BSON
import MongoDriver
import Relations

/// What interrupted imports have left in a database: given back where it is wanted, else removed.
struct Leftovers {
    let connection: Connection
    let lock: ImportLock
    let operation: OperationContext
    /// All of the database's, listed after the lock was taken.
    let collections: [CollectionInfo]

    /// - Parameter isFatal: whether this import cannot go on after collections have got these names back.
    /// - Throws: ``FerryError`` where it cannot; ``MongoError``.
    func lookAfter(stopping isFatal: (_ restored: [String]) -> Bool) throws {
        // What an import that has taken the lock over has there is in use.
        try lock.check()
        let removed = try recoverDisplaced(stopping: isFatal)
        try forgetDefinitions()
        let litter = try removeStaging() + removed
        // Nothing tells it any more once the lock is this import's.
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
    /// commands of that one might still be under way.
    /// - Throws: ``MongoError``.
    func removeRecordsOfKilled() throws {
        guard lock.tookOver else { return }
        try DisplacedCollections(connection: connection, lock: lock, cancellation: operation.cancellation)
            .forgetUnused(among: collections)
        guard collections.contains(where: { $0.name == OwnNames.definitions }) else { return }
        let warnings = try connection.withClient {
            try KeptDefinitions(client: $0, database: connection.database)
                .forgetOutdated(among: collections, mayDrop: false)
        }
        for warning in warnings { operation.warning(warning) }
    }

    /// - Returns: how many were removed.
    private func recoverDisplaced(stopping isFatal: ([String]) -> Bool) throws -> Int {
        let displaced = DisplacedCollections(
            connection: connection, lock: lock, cancellation: operation.cancellation)
        let recovery = try displaced.recover(among: collections)
        for (name, place) in recovery.kept {
            operation.warning(
                "an earlier import was interrupted, and something else has the name \(name) since: what it was before stays in \(place) until you rename or drop it"
            )
        }
        if !recovery.restored.isEmpty {
            let names = recovery.restored.joined(separator: ", ")
            let text = "an earlier import was interrupted: collections have got their names back: \(names)"
            if isFatal(recovery.restored) {
                throw FerryError(text, details: ["Nothing else was written."], advice: ["Run the import again."])
            }
            operation.warning(text)
        }
        return recovery.removed
    }

    private func forgetDefinitions() throws {
        guard collections.contains(where: { $0.name == OwnNames.definitions }) else { return }
        let (warnings, inPart) = try connection.withClient {
            let kept = KeptDefinitions(client: $0, database: connection.database)
            return (
                try kept.forgetOutdated(among: collections, mayDrop: lock.tookOver), try kept.namesInPart(collections)
            )
        }
        for warning in warnings { operation.warning(warning) }
        if !inPart.isEmpty {
            operation.warning(
                "an earlier import was interrupted while it replaced \(inPart.listed("and")) in place: it was in part, or gone, when this import began, and is whole when an import has replaced it or has merged all of the same file"
            )
        }
    }

    /// - Returns: how many there were.
    private func removeStaging() throws -> Int {
        try connection.withClient { client in
            // Of a time series whose drop was cut off, which goes by the series' name, only the storage may be there.
            let storage = CollectionIdentities.storage(of: "")
            let names = Set(collections.map { ExactName($0.name.behindScalarPrefix(storage) ?? $0.name) })
            let litter = names.filter { $0.text.hasScalarPrefix(OwnNames.stagingPrefix) }
            for name in litter { try client.drop(connection.namespace(name.text)) }
            return litter.count
        }
    }
}
