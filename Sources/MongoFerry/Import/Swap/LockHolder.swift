import BSON
import Foundation
import MongoDriver

/// Who holds the lock of imports, as its document tells.
struct LockHolder {
    let document: Document

    /// Reads the lock, and how long its holder has been silent by the server's own clock.
    /// - Returns: nil where nobody holds it.
    /// - Throws: ``MongoError``.
    static func read(_ connection: Connection) throws -> LockHolder? {
        var holder: LockHolder?
        let silence: Document = ["$subtract": ["$$NOW", "$beat"]]
        try connection.withClient { client in
            try client.aggregate(
                connection.namespace(OwnNames.lock),
                pipeline: [
                    ["$match": ["_id": .string(ImportLock.documentID)]],
                    ["$addFields": ["silence": .document(silence)]],
                ]
            ).forEach { holder = LockHolder(document: Document(copying: $0)) }
        }
        return holder
    }

    /// `process 4021 on db1, since 2026-11-23T20:04:45.123Z`
    var text: String {
        "process \(document["pid"]?.integer ?? 0) on \(document["host"]?.string ?? "?"), since \(document["since"]?.string ?? "?")"
    }

    /// For how many seconds the server has not heard of it; nil where the lock was not read with that question.
    var silentSeconds: Int? { document["silence"]?.integer.map { max(0, $0) / 1000 } }

    /// Where a process's number means something: a machine since its start, or a container on it. Host names are not
    /// enough, since containers may have their host's and several machines the same. Nil where the system does not say.
    static let processes: String? = {
        guard let start = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8),
            let space = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
        else { return nil }
        return "\(start.trimmingCharacters(in: .whitespacesAndNewlines)) \(space)"
    }()

    /// Whether it was a process of this machine that is gone. Where nothing tells this machine from others, its silence
    /// alone counts.
    var isDead: Bool {
        guard let processes = Self.processes, document["processes"]?.string == processes,
            document["host"]?.string == ProcessInfo.processInfo.hostName,
            let pid = document["pid"]?.integer.flatMap({ pid_t(exactly: $0) }), pid > 0
        else { return false }
        return kill(pid, 0) != 0 && errno == ESRCH
    }
}
