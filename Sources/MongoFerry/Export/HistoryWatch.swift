import BSON
import BackupFile
import MongoDriver
import Relations
import Synchronization

/// Warns if the server is likely to forget a snapshot before it has been read to its end.
///
/// Servers keep a snapshot's history only for some time, and a cursor that reads later gets an error. Somebody who
/// exports a large database at night should learn of it at the beginning.
///
/// Source: MongoDB manual, `minSnapshotHistoryWindowInSeconds`; code 239, `SnapshotTooOld`.
final class HistoryWatch: Sendable {
    private struct State {
        var began: ContinuousClock.Instant?
        var bytesRead = 0
        var isAsked = false
        var window: Duration?
        var isTold = false
    }

    /// The collection, if it has a snapshot of its own.
    private let collection: String?
    /// The size of the documents to read, in bytes.
    private let bytes: Int
    private let state = Mutex(State())

    /// How long to wait before judging the rate: earlier it says little, since the server's cache may still be empty.
    static let patience = Duration.seconds(3)
    /// The server parameter's default, for users who may not ask.
    static let usualWindow = Duration.seconds(300)

    init(collection: String? = nil, bytes: Int) {
        self.collection = collection
        self.bytes = bytes
    }

    /// The watches of an export, by collection; nil where the time to read cannot be estimated: without a snapshot,
    /// with a query, or if the size is unknown.
    static func all(
        _ collections: [BackupMetadata.Collection], _ queries: ExportQueries, _ prepared: PreparedExport
    ) -> [HistoryWatch?] {
        let (sizes, moment) = (prepared.sizes, prepared.moment)
        let bytes = collections.map { entry -> Int? in
            guard moment.readConcern != nil, queries[entry.name] == nil else { return nil }
            return sizes[entry.databaseName]?.averageDocument.map { $0 * entry.records }
        }
        switch moment.consistency {
        case .unprotected: return bytes.map { _ in nil }
        case .collection:
            return zip(collections, bytes).map { entry, bytes in
                entry.isCapped ? nil : bytes.map { HistoryWatch(collection: entry.databaseName, bytes: $0) }
            }
        case .snapshot:
            // The bytes that arrive do not tell how long a server searches for the results of a query.
            guard collections.allSatisfy({ queries[$0.name] == nil }) else { return bytes.map { _ in nil } }
            let shared = HistoryWatch(bytes: bytes.compactMap(\.self).reduce(0, +))
            return bytes.map { $0 == nil ? nil : shared }
        }
    }

    /// Notes when the first cursor is opened.
    func begin() { state.withLock { $0.began = $0.began ?? .now } }

    /// Counts what has been read, and warns once if the snapshot is likely to end too early.
    /// - Parameter client: asked once how long the server keeps the history. If the user may not know, the server's
    ///   default is assumed.
    func count(_ read: Int, _ client: Client, _ operation: OperationContext) {
        let asks = state.withLock { state -> Bool in
            state.bytesRead += read
            guard !state.isAsked, let began = state.began, .now - began >= Self.patience else { return false }
            state.isAsked = true
            return true
        }
        if asks {
            let window = Self.window(client)
            state.withLock { $0.window = window }
        }
        let warning = state.withLock { state -> String? in
            guard !state.isTold, let began = state.began, let window = state.window else { return nil }
            let warning = Self.warning(
                collection, read: state.bytesRead, of: bytes, after: .now - began, window: window)
            state.isTold = warning != nil
            return warning
        }
        if let warning { operation.warning(warning) }
    }

    /// The warning; nil if the snapshot is likely to last, or if nothing can be said yet.
    static func warning(
        _ collection: String?, read: Int, of bytes: Int, after elapsed: Duration, window: Duration
    ) -> String? {
        guard read > 0, read < bytes else { return nil }
        let needed = elapsed * (Double(bytes) / Double(read))
        guard needed > window else { return nil }
        let (what, other) =
            collection.map { ("reading \($0) takes", "--consistency none reads without a snapshot") }
            ?? ("the export takes", "--consistency collection takes a snapshot for each collection")
        return
            "at this rate \(what) some \(text(needed)), and the server keeps the history of a snapshot for "
            + "\(text(window)): the export may fail then, and leave no file. To be sure raise the server parameter "
            + "minSnapshotHistoryWindowInSeconds; or \(other)"
    }

    /// `300 seconds`, `12 minutes`, `3 hours`
    private static func text(_ duration: Duration) -> String {
        let seconds = Int(duration.components.seconds)
        if seconds < 600 { return seconds.counted("second") }
        return seconds < 2 * 3600 ? (seconds / 60).counted("minute") : (seconds / 3600).counted("hour")
    }

    static func window(_ client: Client) -> Duration {
        // Only users with the privilege to monitor the server may ask for it, and routers do not have it. If the server
        // is gone, the next read reports that.
        let reply = try? client.run(
            ["getParameter": 1, "minSnapshotHistoryWindowInSeconds": 1], on: "admin", readPreference: .connectionString)
        return reply?["minSnapshotHistoryWindowInSeconds"]?.integer.map { .seconds($0) } ?? usualWindow
    }
}
