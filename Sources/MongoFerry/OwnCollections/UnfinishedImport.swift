import BSON
import MongoDriver
import Relations

/// The traces of an import that is running or was interrupted before it was complete.
///
/// Whoever reads the database then may find collections that are partly written, or new ones beside old ones.
enum UnfinishedImport {
    case running(LockHolder)
    /// The import has been silent for a while; nil if the user may not read the lock.
    case doubtful(LockHolder?)
    /// With the collections that it was replacing in place.
    case interrupted(_ inPart: [String])
    /// What an import has recorded cannot be read.
    case unreadable(FerryError)

    /// The warning to give before anybody relies on the data; nil if no import has left anything.
    /// - Parameter found: what the database holds.
    /// - Throws: ``MongoError``.
    static func warning(_ found: [CollectionInfo], _ connection: Connection) throws -> String? {
        try look(found, connection)?.text(connection.database)
    }

    private static func look(_ found: [CollectionInfo], _ connection: Connection) throws -> UnfinishedImport? {
        do { return try lookIntoRecords(found, connection) } catch let error as FerryError { return .unreadable(error) }
    }

    private static func lookIntoRecords(
        _ found: [CollectionInfo], _ connection: Connection
    ) throws -> UnfinishedImport? {
        var found = found
        if has(OwnNames.lock, found) {
            do {
                if let holder = try LockHolder.read(connection) {
                    return isInterrupted(holder) ? .interrupted(try inPart(found, connection)) : state(holder)
                }
            } catch let error as MongoError where error.isUnauthorized { return .doubtful(nil) }
            // The import has meanwhile released its lock and removed what it needed.
            found = try connection.withClient { try $0.listCollections(in: connection.database) }
        }
        do {
            let displaced = has(OwnNames.displaced, found) ? try DisplacedCollections.records(connection) : [:]
            let lacksDefinitions = try has(OwnNames.definitions, found) && hasUnfinishedDefinitions(connection)
            guard lacksDefinitions || found.contains(where: { isLeftover($0.name, found, displaced) }) else {
                return nil
            }
            return .interrupted(try inPart(found, connection))
        } catch let error as MongoError where error.isUnauthorized { return .doubtful(nil) }
    }

    private static func isInterrupted(_ holder: LockHolder) -> Bool {
        holder.isDead || holder.silentSeconds.map { $0 >= ImportLock.staleSeconds } ?? false
    }

    private static func inPart(_ found: [CollectionInfo], _ connection: Connection) throws -> [String] {
        guard has(OwnNames.definitions, found) else { return [] }
        return try connection.withClient {
            try KeptDefinitions(client: $0, database: connection.database).namesInPart(found)
        }
    }

    private static func state(_ holder: LockHolder) -> UnfinishedImport {
        guard let seconds = holder.silentSeconds else { return .doubtful(holder) }
        // One heartbeat may be late.
        return seconds <= 2 * Int(ImportLock.beatSeconds) ? .running(holder) : .doubtful(holder)
    }

    /// Whether the next import has something to do with this collection. A displaced collection whose place another one
    /// has taken stays for good.
    private static func isLeftover(
        _ name: String, _ found: [CollectionInfo], _ displaced: [String: DisplacedCollections.Record]
    ) -> Bool {
        if name.hasScalarPrefix(OwnNames.stagingPrefix) { return true }
        guard let before = name.behindScalarPrefix(OwnNames.displacedPrefix) else { return false }
        let record = displaced[name]
        // An older version put the collection's name there and recorded nothing.
        return record?.view != nil
            || !has(record?.name ?? before, found)
    }

    /// Whether definitions are kept for an unfinished replacement. Refused indexes of otherwise complete collections do
    /// not count: they were reported when they were refused.
    private static func hasUnfinishedDefinitions(_ connection: Connection) throws -> Bool {
        try connection.withClient { client in
            try KeptDefinitions(client: client, database: connection.database).hasUnfinished()
        }
    }

    private static func has(_ name: String, _ found: [CollectionInfo]) -> Bool { found.contains { $0.name == name } }

    private func text(_ database: String) -> String {
        switch self {
        case .running(let holder):
            return
                "an import into \(database) is running (\(holder.text)): what is read now may be half old, half new: wait until it has ended"
        case .doubtful(let holder):
            let silence = holder?.silentSeconds.map { ", silent for \($0.counted("second"))" } ?? ""
            let who = holder.map { " (\($0.text)\(silence))" } ?? ""
            return
                "an import into \(database) is running or was interrupted\(who): what is read now may be half old, half new: wait until it has ended, or run it again"
        case .unreadable(let error):
            return
                "an import into \(database) may have been interrupted, and what it has left cannot be read: \(error.text). \(error.advice.joined(separator: " "))"
        case .interrupted(let names) where !names.isEmpty:
            return
                "an import into \(database) was interrupted while it replaced \(names.listed("and")) in place: what is there is in part, or gone: run it again before making a backup (or drop \(OwnNames.definitions) where you have made it whole otherwise)"
        case .interrupted:
            return
                "an import into \(database) was interrupted: its collections may be old, new or in part: run it again before making a backup"
        }
    }
}
