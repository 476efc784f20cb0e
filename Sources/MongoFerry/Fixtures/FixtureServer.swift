import BSON
import Foundation
import MongoDriver
import Synchronization

/// The server on which fixtures are restored, and the connections to it.
///
/// One server object serves all tests of a process: connecting takes longer than restoring a small fixture.
///
///     let server = FixtureServer(uri: "mongodb://127.0.0.1:27117/?replicaSet=rs0")
///     let shop = Fixture("Fixtures/shop.csv", on: server)
///
/// Any thread or task may use it. The connections are made for the first fixture and kept until the last reference to
/// the object is released.
public final class FixtureServer: Sendable {
    /// The server that the environment variable `MONGODB_URI` names, otherwise `mongodb://localhost:27017`.
    public static let shared = FixtureServer(uri: environmentURI)

    /// Private, since it contains the password.
    private let uri: String
    private let state = Mutex<State>(.unused)

    private enum State {
        case unused
        /// With the database in which the user is looked up.
        case connected(ClientPool, ServerInfo, authSource: String?, turns: DispatchSemaphore)
        case failed(any Error, ContinuousClock.Instant)
    }

    /// How long not to retry a server that could not be reached: of many tests that run at once, not each should wait
    /// for it.
    private let patience: Duration

    /// How many databases are worked on at once: each needs a connection for every question that is asked concurrently,
    /// and there may be any number of tests.
    private static let atOnce = 16
    private static let connectionsEach = Connection.concurrentQueries + 2

    /// Connects only when the first fixture is restored.
    /// - Parameter uri: a connection string; the database that it names does not matter.
    public convenience init(uri: String) { self.init(uri: uri, patience: .seconds(60)) }

    package init(uri: String, patience: Duration) {
        self.uri = uri
        self.patience = patience
    }

    /// Empty if the variable is set but empty: see ``connected()``.
    private static var environmentURI: String {
        StandardAddress.ofEnvironment ?? StandardAddress.text
    }

    /// Removes databases that tests left behind because their process was killed.
    ///
    ///     try await FixtureServer.shared.dropLeftovers(olderThan: .seconds(3600))
    ///
    /// Removes only databases that ``Fixture/restore(_:)`` made, recognized by their names, which contain the time of
    /// creation.
    /// - Parameter age: the minimum age, so that databases in use by tests of another process are left alone.
    /// - Returns: the names of the databases that were removed.
    /// - Throws: ``FerryError`` if the server cannot be reached; ``MongoError`` naming what it refused.
    @discardableResult
    public func dropLeftovers(olderThan age: Duration) async throws -> [String] {
        try await Threads.run(cancelling: Cancellation()) { [self] in
            let limit = Int(Date().timeIntervalSince1970) - Int(age.components.seconds)
            let (pool, _, _) = try connected()
            let client = try pool.makeClient()
            let names = try client.listDatabaseNames(readPreference: .primary).filter {
                ThrowawayName.secondsOfMaking($0).map { $0 < limit } ?? false
            }
            for name in names {
                // Another process may be removing leftovers, too.
                do { try client.runWrite(["dropDatabase": 1], on: name) } catch let error as MongoError
                    where error.isDropPending
                {}
            }
            return names
        }
    }

    func target(_ database: String) throws -> Target { try Target(uri: uri(naming: database)) }

    /// Until a fixture has been restored, the DNS record of a `mongodb+srv` address is not known.
    func uri(naming database: String) -> String {
        let authSource: String? = state.withLock { state in
            if case .connected(_, _, let authSource, _) = state { authSource } else { nil }
        }
        return DatabaseURI.text(uri, database: database, authSource: authSource)
    }

    /// Runs `body` with access to a database over the existing connections; waits until enough of them are free.
    /// - Parameter cancellation: the waiting operation's.
    /// - Throws: ``FerryError`` naming host, cause and remedy; `CancellationError`; what `body` throws.
    func withConnection<Result>(
        to database: String, _ cancellation: Cancellation = Cancellation(), _ body: (Connection) throws -> Result
    ) throws -> Result {
        let (pool, server, turns) =
            try connectionThere ?? Threads.run(leavingOn: cancellation) { [self] in try connected() }
        while turns.wait(timeout: .now() + .milliseconds(100)) == .timedOut { try cancellation.check() }
        defer { turns.signal() }
        return try body(Connection(pool: pool, server: server, database: database))
    }

    /// Nil if there is no connection yet or another thread is just making it: this never waits for one.
    private var connectionThere: (ClientPool, ServerInfo, DispatchSemaphore)? {
        state.withLockIfAvailable { state in
            if case .connected(let pool, let server, _, let turns) = state { (pool, server, turns) } else { nil }
        } ?? nil
    }

    /// Only the first caller connects; the others wait for it, each on its own thread.
    private func connected() throws -> (ClientPool, ServerInfo, DispatchSemaphore) {
        // As in the commands: an empty address, as from a script that found no server, must not select the user's own
        // server.
        guard !uri.isEmpty else {
            throw FerryError(
                "the connection string is empty", kind: .usage,
                advice: [
                    "Where it is $MONGODB_URI, \(StandardAddress.adviceWhereEmpty)"
                ])
        }
        return try state.withLock { state in
            switch state {
            case .connected(let pool, let server, _, let turns): return (pool, server, turns)
            case .failed(let error, let time) where ContinuousClock.now - time < patience:
                var fault = FerryError(explaining: error)
                guard fault.kind != .usage else { throw fault }
                let age = Int(time.duration(to: .now) / .seconds(1))
                fault.details.append(
                    "That was \(age.counted("second")) ago. The server is asked again \(Int(patience / .seconds(1))) seconds after it was asked."
                )
                throw fault
            case .unused, .failed: break
            }
            do {
                // Others wait for this connection as well, so the caller's cancellation does not stop it.
                let connection = try Connection(
                    try Target(uri: uri), database: "admin", Cancellation(), forWriting: true)
                let authSource = try connection.pool.makeClient().authSource
                let atOnce = max(1, min(Self.atOnce, connection.pool.maximumSize / Self.connectionsEach))
                let turns = DispatchSemaphore(value: atOnce)
                state = .connected(connection.pool, connection.server, authSource: authSource, turns: turns)
                return (connection.pool, connection.server, turns)
            } catch {
                state = .failed(error, ContinuousClock.now)
                throw error
            }
        }
    }
}

extension FixtureServer: CustomStringConvertible, CustomReflectable {
    /// The connection string with its password replaced.
    public var description: String { (try? ConnectionString(uri))?.redacted ?? "a wrong connection string" }
    public var customMirror: Mirror { Mirror(self, children: ["uri": description], displayStyle: .class) }
}
