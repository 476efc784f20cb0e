import BSON
import Foundation
import MongoDriver

/// The holder of the import lock, as the lock's document describes it.
struct LockHolder {
    let document: Document

    /// Reads the lock, and for how long its holder has been silent by the server's clock.
    /// - Returns: nil if nobody holds it.
    /// - Throws: ``MongoError``.
    static func read(_ connection: Connection) throws -> LockHolder? {
        try connection.withClient { try read($0, connection.namespace(OwnNames.lock)) }
    }

    /// - Parameter namespace: the lock's collection.
    static func read(_ client: Client, _ namespace: Namespace) throws -> LockHolder? {
        var holder: LockHolder?
        let silence: Document = ["$subtract": ["$$NOW", "$beat"]]
        try client.aggregate(
            namespace,
            pipeline: [
                ["$match": ["_id": .string(ImportLock.documentID)]],
                ["$addFields": ["silence": .document(silence)]],
            ]
        ).forEach { holder = LockHolder(document: Document(copying: $0)) }
        return holder
    }

    /// `process 4021 on db1, since 2026-11-23T20:04:45.123Z`
    var text: String {
        "process \(document["pid"]?.integer ?? 0) on \(document["host"]?.string ?? "?"), since \(document["since"]?.string ?? "?")"
    }

    /// For how many seconds the server has not heard from the holder; nil if the query did not ask for it.
    var silentSeconds: Int? { document["silence"]?.integer.map { max(0, $0) / 1000 } }

    /// Whether its last sign of life lies in the future by the server's clock, which must have been set back: the lock of
    /// a dead holder would not be taken over before that time.
    var isOfTheFuture: Bool { (document["silence"]?.integer ?? 0) < -1000 * ImportLock.staleSeconds }

    /// Identifies where a process ID is meaningful: a machine since its boot, or a container on it. Host names do not
    /// suffice: containers may have their host's, and several machines the same. Nil if the system does not tell.
    static let processes: String? = {
        guard let start = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8),
            let space = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
        else { return nil }
        return "\(start.trimmingCharacters(in: .whitespacesAndNewlines)) \(space)"
    }()

    /// Whether the holder was a process of this machine that is gone. If this machine cannot be identified, only the
    /// holder's silence counts.
    var isDead: Bool {
        guard let processes = Self.processes, document["processes"]?.string == processes,
            document["host"]?.string == ProcessInfo.processInfo.hostName,
            let pid = document["pid"]?.integer.flatMap({ pid_t(exactly: $0) }), pid > 0
        else { return false }
        return kill(pid, 0) != 0 && errno == ESRCH
    }
}
