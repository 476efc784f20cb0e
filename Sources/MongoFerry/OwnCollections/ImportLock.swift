import BSON
import Foundation
import MongoDriver
import Synchronization

/// Prevents two imports from writing to one database at the same time.
///
/// The lock is a document in a collection of its own, with a heartbeat by the server's clock. A lock whose heartbeat
/// stopped ``staleSeconds`` ago is taken over, so that a killed import does not block others for long; one whose
/// process is known to be dead, at once.
final class ImportLock: Sendable {
    static let staleSeconds = 30
    static let beatSeconds = 5.0
    /// After so long without a heartbeat, the server is asked before anything more is written: well before another
    /// import may take the lock over.
    private static let silentSeconds = staleSeconds - 10
    private static let lookSeconds = 0.1
    static let documentID = "import"

    private let connection: Connection
    private let operation: OperationContext
    /// Distinguishes this import from all others.
    let owner: String
    private let state = Mutex(State())
    /// Why the last query whether the lock is still this import's failed, and when; held by the thread that asks.
    private let failure = Mutex<(error: any Error, time: ContinuousClock.Instant)?>(nil)

    private struct State {
        var isHeld = false
        var lost: String?
        /// When the last successful heartbeat was sent.
        var lastBeat = ContinuousClock.now
        var tookOver = false
        /// Whether a takeover of another's lock was sent: it may have succeeded, even if no reply came.
        var hasTriedTakingOver = false
        var hasRepeated = false
        /// See ``ImportLock/ownersOfRecords``.
        var predecessors: Set<String?> = []
    }

    /// Takes the lock.
    /// - Parameter operation: is told, from another thread, that no majority acknowledges writes.
    /// - Throws: ``FerryError`` if another import holds it; ``MongoError``.
    init(_ connection: Connection, _ operation: OperationContext) throws {
        self.connection = connection
        self.operation = operation
        owner = UUID().uuidString
        // If the first attempt succeeded, a second one finds its own name in the lock. If it were still under way when
        // the lock is released, it would take it again, and for nobody.
        do {
            try Repeating.run { isAgain in
                if isAgain { try earlierWrites(Cancellation()).waitForEnd(OwnNames.lock) }
                // The reply may come late, and the time by the server's clock is before that.
                let start = ContinuousClock.now
                try acquire()
                state.withLock { $0.lastBeat = start }
            }
        } catch let error as MongoError where error.isWriteConcernFailure {
            try? connection.withClient(removeUnconfirmed)
            throw error
        }
        state.withLock { $0.isHeld = true }
        do {
            try startBeating()
        } catch {
            // Nothing was written, so the next import need not wait for the lock.
            _ = try? release()
            throw error
        }
    }

    /// Whether the lock was taken over from an owner that was gone; it may have left staging collections behind.
    var tookOver: Bool { state.withLock { $0.tookOver } }

    /// Whether a command that creates something was sent again, since its outcome was unknown: the first attempt may be
    /// carried out after what it created was removed.
    var hasRepeated: Bool { state.withLock { $0.hasRepeated } }

    func noteRepeated() { state.withLock { $0.hasRepeated = true } }

    /// The imports whose records this one may change: itself, and those before it. Nil stands for records of older
    /// versions, which name none.
    var ownersOfRecords: [String?] { [owner] + state.withLock { $0.predecessors } }

    /// Notes the imports that have left records. The lock must have been confirmed after these were read: otherwise
    /// they could be those of an import that has taken it over since.
    func note(predecessors: some Sequence<String?>) { state.withLock { $0.predecessors.formUnion(predecessors) } }

    /// Distinguishes this run's names from those of all others.
    var mark: String { String(owner.prefix(8)).lowercased() }

    private var collection: Namespace { connection.namespace(OwnNames.lock) }

    /// Matches the lock while it is this import's.
    private var own: Value { ["_id": .string(Self.documentID), "owner": .string(owner)] }

    private func acquire() throws {
        let process = Int32(ProcessInfo.processInfo.processIdentifier)
        let fields: Document = [
            "owner": .string(owner), "host": .string(ProcessInfo.processInfo.hostName),
            "processes": LockHolder.processes.map { .string($0) } ?? .null,
            "pid": .int32(process),
            "program": .string("mongoferry \(mongoFerryVersion)"),
            "since": .string(Clock.now),
        ]
        // `$$NOW` is the server's clock: clients' clocks need not agree.
        let set: Document = ["$set": .document(fields.appending("beat", "$$NOW"))]
        try connection.withClient { client in
            if try insert(set, client) || takeOver(set, client) { return }
            let holder = try LockHolder.read(client, collection)
            // The lock was released in between.
            if holder == nil, try insert(set, client) { return }
            throw FerryError(
                "another import into \(connection.database) is running\(holder.map { ": \($0.text)" } ?? "")",
                details: [
                    FerryError.nothingWritten,
                    "If it was killed, its lock is taken over \(Self.staleSeconds) seconds after its end.",
                ],
                advice: [
                    holder?.isOfTheFuture == true
                        ? "Its last sign of life lies in the future, since the server's clock was set back. If no import is running, drop the collection \(OwnNames.lock) of \(connection.database)."
                        : "Wait for it to end, and run the import again."
                ])
        }
    }

    /// Takes a lock that is free: the filter then matches no document, so this inserts one, and of two inserts only one
    /// succeeds.
    private func insert(_ set: Document, _ client: Client) throws -> Bool {
        do {
            let reply = try client.runWrite(
                [
                    "findAndModify": .string(OwnNames.lock),
                    "query": own,
                    "update": .array([.document(set)]), "upsert": true,
                ], on: connection.database, writeConcern: firstWriteConcern)
            state.withLock { if $0.hasTriedTakingOver { $0.tookOver = Self.isUpdated(reply) } }
            return true
        } catch let error as MongoError where error.isDuplicateKey {
            return false
        } catch let error as MongoError where error.isWriteConcernTimeout {
            throw unconfirmed(client)
        }
    }

    /// The first write shows whether a majority can acknowledge writes.
    private var firstWriteConcern: WriteConcern {
        let patience = connection.pool.connectionString.writeConcern?.timeout ?? Self.patienceMilliseconds
        return WriteConcern(.majority, timeout: patience)
    }

    private static let patienceMilliseconds = 30_000

    /// `30 seconds`, `1.5 seconds`.
    private static func seconds(_ milliseconds: Int) -> String {
        let seconds = Double(milliseconds) / 1000
        return seconds == seconds.rounded() ? Int(seconds).counted("second") : "\(seconds) seconds"
    }

    /// Removes the lock, which the primary has and no majority has acknowledged.
    ///
    /// If this fails, the lock soon counts as a dead process's, and the next import takes it over. A lock that was a dead
    /// process's stays, so that the next import looks for what that process left.
    private func removeUnconfirmed(_ client: Client) {
        guard !state.withLock({ $0.hasTriedTakingOver }), (try? isOwn(client)) == true else { return }
        try? remove(client, WriteConcern(.nodes(1)))
    }

    private func unconfirmed(_ client: Client) -> FerryError {
        removeUnconfirmed(client)
        return FerryError(
            "\(connection.topologyText): no majority of the members acknowledged a write within \(Self.seconds(firstWriteConcern.timeout ?? 0))",
            details: [FerryError.nothingWritten],
            advice: [
                "Writes that a majority does not have can be lost. rs.status() in mongosh shows which members are down or behind; wtimeoutMS in the connection string says how long to wait."
            ])
    }

    /// Takes over a lock whose heartbeat has stopped or whose process is gone: in one statement, so that only one
    /// import succeeds.
    private func takeOver(_ set: Document, _ client: Client) throws -> Bool {
        var conditions: [Value] = [
            ["$expr": ["$lt": ["$beat", ["$subtract": ["$$NOW", .int32(Int32(Self.staleSeconds * 1000))]]]]]
        ]
        if let before = try current(client), before.isDead, let dead = before.document["owner"]?.string {
            conditions.append(["owner": .string(dead)])
        }
        state.withLock { $0.hasTriedTakingOver = true }
        do {
            let reply = try client.runWrite(
                [
                    "findAndModify": .string(OwnNames.lock),
                    "query": ["_id": .string(Self.documentID), "$or": .array(conditions)],
                    "update": .array([.document(set)]),
                ], on: connection.database, writeConcern: firstWriteConcern)
            let isTaken = Self.isUpdated(reply)
            state.withLock { $0.tookOver = isTaken }
            return isTaken
        } catch let error as MongoError where error.isWriteConcernTimeout {
            throw unconfirmed(client)
        }
    }

    private static func isUpdated(_ reply: Document) -> Bool {
        reply["lastErrorObject"]?.document?["updatedExisting"]?.bool ?? false
    }

    private func current(_ client: Client) throws -> LockHolder? {
        var found: LockHolder?
        let cursor = try client.find(
            collection, ["_id": .string(Self.documentID)], options: .init(limit: 1, readPreference: .primary))
        try cursor.forEach { found = LockHolder(document: Document(copying: $0)) }
        return found
    }

    private func startBeating() throws {
        try SystemThread.start { [self] in
            var watch = MajorityWatch()
            while waitForBeat() {
                do {
                    try beat()
                    guard connection.server.replication != nil else { continue }
                    let state = try connection.withClient { try $0.replicationState(readPreference: .primary) }
                    guard let state, self.state.withLock({ $0.isHeld }) else { continue }
                    watch.look(own: state.own, majority: state.majority)?.tell(operation)
                } catch {
                    // The server may be unavailable for a moment; what matters is whether the lock is still this
                    // import's afterwards.
                    continue
                }
            }
        }
    }

    /// Waits until the next heartbeat is due; returns false once the lock is released.
    private func waitForBeat() -> Bool {
        let next = ContinuousClock.now + .seconds(Self.beatSeconds)
        while state.withLock({ $0.isHeld }) {
            if ContinuousClock.now >= next { return true }
            Thread.sleep(forTimeInterval: Self.lookSeconds)
        }
        return false
    }

    /// Waits until a majority has everything that this program has written: the heartbeat comes after it.
    func confirm() throws {
        try Repeating.run { _ in try beat(.majority) }
        try check()
    }

    /// Whether this import still holds the lock, acknowledged by a majority.
    func isHeldStill() throws -> Bool {
        try Repeating.run { _ in try beat(.majority) }
        return state.withLock { $0.lost == nil }
    }

    /// Waits until no earlier operation on a collection is in progress, and checks that the lock is still this
    /// import's: before a command whose outcome is unknown is sent again.
    /// - Throws: ``FerryError`` if the operations do not end, or the lock was lost; ``MongoError``;
    ///   `CancellationError`.
    func settle(_ collection: String, _ cancellation: Cancellation) throws {
        try earlierWrites(cancellation).waitForEnd(collection)
        // That took time: what exists now may be another import's work.
        try confirm()
    }

    /// - Parameter writeConcern: by default only the primary acknowledges, however far the other members lag.
    private func beat(_ writeConcern: WriteConcern = WriteConcern(.nodes(1))) throws {
        let start = ContinuousClock.now
        let reply = try connection.withClient {
            try $0.runWrite(
                [
                    "update": .string(OwnNames.lock),
                    "updates": [
                        [
                            "q": own,
                            "u": [["$set": ["beat": "$$NOW"]]],
                        ]
                    ],
                ], on: connection.database, writeConcern: writeConcern)
        }
        let isLost = reply["n"]?.integer == 0
        let isGone = try isLost && connection.withClient { try current($0) == nil }
        state.withLock { state in
            if isLost {
                state.lost =
                    isGone
                    ? "the lock of \(connection.database) is gone: the database was dropped, or another import has taken the lock over and has ended"
                    : "another import has taken the lock of \(connection.database) over"
            } else {
                // The reply to an earlier heartbeat may come later.
                state.lastBeat = max(state.lastBeat, start)
            }
        }
    }

    /// Whether the lock is known to be lost: another import, or whoever dropped the database, may have changed
    /// anything.
    var isLost: Bool { state.withLock { $0.lost != nil } }

    /// - Throws: ``FerryError`` if the lock was lost: this process was suspended for too long, and another import has
    ///   taken it over, or somebody dropped the database; ``MongoError``.
    func check() throws {
        // After a suspension so long that another import may have taken the lock, the server is asked before anything
        // more is written: by one thread for all, since each would need a connection.
        if isSilent {
            let began = ContinuousClock.now
            try failure.withLock { failed in
                guard isSilent else { return }
                // If each thread asked again, each would wait for the server just as long.
                if let failed, failed.time > began { throw failed.error }
                do { try Repeating.run { _ in try beat() } } catch {
                    failed = (error, .now)
                    throw error
                }
            }
        }
        if let lost = state.withLock({ $0.lost }) {
            throw FerryError(
                lost, details: ["This import has stopped."],
                advice: ["Run it again; where another import is running, when that is done."])
        }
    }

    private var isSilent: Bool {
        state.withLock { $0.lastBeat }.duration(to: .now) > .seconds(Self.silentSeconds)
    }

    /// Releases the lock and drops its collection, unless it is another import's by now. The heartbeat continues until
    /// it is gone.
    /// - Returns: false if the user may not drop the collection: it stays, and is empty.
    @discardableResult
    func release() throws -> Bool {
        defer { state.withLock { $0.isHeld = false } }
        guard state.withLock({ $0.isHeld && $0.lost == nil }) else { return true }
        return try connection.withClient { client in
            guard try isOwn(client) else { return true }
            do {
                try remove(client)
                return true
            } catch let error as MongoError where error.isUnauthorized {
                try clear(client)
                return false
            }
        }
    }

    /// Removes the lock, and leaves its collection.
    private func clear(_ client: Client) throws {
        try client.runWrite(
            ["delete": .string(OwnNames.lock), "deletes": [["q": own, "limit": 1]]], on: connection.database)
    }

    private func isOwn(_ client: Client) throws -> Bool {
        try current(client)?.document["owner"]?.string == owner
    }

    private func earlierWrites(_ cancellation: Cancellation) -> EarlierWrites {
        EarlierWrites(pool: connection.pool, database: connection.database, cancellation: cancellation)
    }

    /// Drops the collection with the lock, which is this import's.
    private func remove(_ client: Client, _ writeConcern: WriteConcern = .majority) throws {
        try client.dropOwn(collection, writeConcern: writeConcern) {
            // The drop may have succeeded, so that the lock is the next import's by now, or may still be executed.
            try earlierWrites(Cancellation()).waitForEnd(OwnNames.lock)
            return try isOwn(client)
        }
    }
}
