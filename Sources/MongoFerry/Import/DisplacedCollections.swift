import BSON
import MongoDriver

/// Collections that have given their names to views and are kept until the server has taken those.
///
/// A circle of views shows only when the last of them gets its name: until then what had the name must not be lost.
struct DisplacedCollections {
    /// What became of those that an interrupted import had left.
    struct Recovery {
        /// Names that collections have got back, since no view has come in their place.
        var restored: [String] = []
        /// How many were removed, since their views are there.
        var removed = 0
        /// Names that somebody has given to other collections since: what was displaced stays.
        var kept: [String] = []
    }

    let connection: Connection
    let lock: ImportLock
    let cancellation: Cancellation

    /// Takes a collection's name away.
    /// - Throws: ``MongoError``, `CancellationError`: then it has its name still.
    func displace(_ name: String) throws { try rename(name, OwnNames.displaced(name), cancellation) }

    /// Gives a collection its name back, over what may have got it meanwhile. Who wants to stop waits for that.
    /// - Throws: ``MongoError``.
    func restore(_ name: String) throws { try rename(OwnNames.displaced(name), name, Cancellation()) }

    /// Removes a displaced collection.
    /// - Throws: ``MongoError``.
    func remove(_ name: String) throws {
        try connection.withClient { try $0.drop(connection.namespace(OwnNames.displaced(name))) }
    }

    private func rename(_ from: String, _ to: String, _ cancellation: Cancellation) throws {
        let isConfirmed = try connection.withClient { client in
            try CollectionBuilder(client: client, database: connection.database).rename(from, over: to, cancellation)
        }
        if !isConfirmed { try lock.confirm() }
    }

    /// Looks after what an interrupted import has left.
    /// - Parameter collections: all of the database's, listed after the lock was taken.
    func recover(among collections: [CollectionInfo]) throws -> Recovery {
        var recovery = Recovery()
        for info in collections where info.name.hasPrefix(OwnNames.displacedPrefix) {
            let name = String(info.name.dropFirst(OwnNames.displacedPrefix.count))
            switch collections.first(where: { $0.name == name })?.kind {
            case nil:
                try restore(name)
                recovery.restored.append(name)
            case .view:
                try remove(name)
                recovery.removed += 1
            default: recovery.kept.append(name)
            }
        }
        return recovery
    }
}
