import BSON
import BackupFile
import MongoDriver
import Relations
import Synchronization

/// Whether a snapshot is likely to be read to its end before the server forgets it.
///
/// Servers keep the history of what is read for so long only, and a cursor that comes later gets an error: whoever
/// exports a large database at night should hear of it at the beginning.
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

    /// The collection, where the snapshot is one's alone.
    private let collection: String?
    /// Bytes of documents that are to be read.
    private let bytes: Int
    private let state = Mutex(State())

    /// Sooner a rate says little: nothing may have been read into the server's cache yet.
    static let patience = Duration.seconds(3)
    private static let usualWindow = Duration.seconds(300)

    init(collection: String? = nil, bytes: Int) {
        self.collection = collection
        self.bytes = bytes
    }

    /// The watches of an export, by collection; nil for what is not read from a snapshot, or nobody knows how large it is.
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
            // How long a server looks for what a query finds, the bytes that come do not tell.
            guard collections.allSatisfy({ queries[$0.name] == nil }) else { return bytes.map { _ in nil } }
            let shared = HistoryWatch(bytes: bytes.compactMap(\.self).reduce(0, +))
            return bytes.map { $0 == nil ? nil : shared }
        }
    }

    /// The first cursor is about to be opened.
    func begin() { state.withLock { $0.began = $0.began ?? .now } }

    /// Counts what has come, and says once what is to be feared.
    /// - Parameter client: asked for how long the server keeps a history, when there is time to; whoever may not know it
    ///   is told of the server's default.
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

    /// Nil as long as nothing is to be feared.
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

    private static func window(_ client: Client) -> Duration {
        // Only who may monitor the server gets to know it, and routers have none. Where the server is gone, the next read
        // will say so.
        let reply = try? client.run(
            ["getParameter": 1, "minSnapshotHistoryWindowInSeconds": 1], on: "admin", readPreference: .connectionString)
        return reply?["minSnapshotHistoryWindowInSeconds"]?.integer.map { .seconds($0) } ?? usualWindow
    }
}
