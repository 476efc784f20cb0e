import BSON
import Foundation
import MongoDriver
import Synchronization

/// The server on which fixtures are restored, and the connections to it.
///
/// One of them serves all tests of a process: connecting takes longer than restoring a small fixture.
///
///     let server = FixtureServer(uri: "mongodb://127.0.0.1:27117/?replicaSet=rs0")
///     let shop = Fixture("Fixtures/shop.csv", on: server)
///
/// Any thread or task may use it. The connections are made with the first fixture and kept until the last reference
/// to it goes.
public final class FixtureServer: Sendable {
    /// The server that the environment variable `MONGODB_URI` names, else `mongodb://localhost:27017`.
    public static let shared = FixtureServer(uri: environmentURI)

    /// With the password, so it stays in here.
    private let uri: String
    private let state = Mutex<State>(.unused)

    private enum State {
        case unused
        /// With the database in which the user is looked for.
        case connected(ClientPool, ServerInfo, authSource: String?, turns: DispatchSemaphore)
        case failed(any Error, ContinuousClock.Instant)
    }

    /// How long a server that could not be reached is not asked again: of many tests that run at once, not each shall
    /// wait for it.
    private static let patience = Duration.seconds(60)

    /// How many databases are worked on at once: each takes a connection for every question that is asked beside others,
    /// and there may be any number of tests.
    private static let atOnce = 16
    private static let connectionsEach = Connection.questionsAtOnce + 2

    /// Nothing is looked at before the first fixture is restored.
    /// - Parameter uri: a connection string; the database that it names does not matter.
    public init(uri: String) { self.uri = uri }

    /// Empty where that is set, and empty: see ``connected()``.
    private static var environmentURI: String {
        ProcessInfo.processInfo.environment["MONGODB_URI"] ?? "mongodb://localhost:27017"
    }

    /// Removes databases that tests left behind when their process was killed.
    ///
    ///     try await FixtureServer.shared.dropLeftovers(olderThan: .seconds(3600))
    ///
    /// Only those that ``Fixture/restore(_:)`` made, which are known by their names, and the time of making in them.
    /// - Parameter age: since they were made: leave alone what tests of another process may be using.
    /// - Returns: the names of the databases that were removed.
    /// - Throws: ``FerryError`` where the server cannot be reached; ``MongoError`` naming what it refused.
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
                // Another process may be sweeping, too.
                do { try client.runWrite(["dropDatabase": 1], on: name) } catch let error as MongoError
                    where error.isDropPending
                {}
            }
            return names
        }
    }

    func target(_ database: String) throws -> Target { try Target(uri: uri(naming: database)) }

    /// Before a fixture is restored nobody knows what the record of an address that is to be looked up says.
    func uri(naming database: String) -> String {
        let authSource: String? = state.withLock { state in
            if case .connected(_, _, let authSource, _) = state { authSource } else { nil }
        }
        return DatabaseURI.text(uri, database: database, authSource: authSource)
    }

    /// Lends a way to a database over the connections that are there already; waits until there are enough of them.
    /// - Parameter cancellation: of the operation that waits.
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

    /// Nil where there is none yet, or somebody is just making it: nobody waits for that here.
    private var connectionThere: (ClientPool, ServerInfo, DispatchSemaphore)? {
        state.withLockIfAvailable { state in
            if case .connected(let pool, let server, _, let turns) = state { (pool, server, turns) } else { nil }
        } ?? nil
    }

    /// Only the first caller connects; the others wait for it, each on a thread of its own.
    private func connected() throws -> (ClientPool, ServerInfo, DispatchSemaphore) {
        // As the commands have it: what a script leaves that found no server does not mean somebody's own.
        guard !uri.isEmpty else {
            throw FerryError(
                "the connection string is empty", kind: .usage,
                advice: [
                    "Where it is $MONGODB_URI, give that an address, or unset it: then mongodb://localhost:27017 is asked."
                ])
        }
        return try state.withLock { state in
            switch state {
            case .connected(let pool, let server, _, let turns): return (pool, server, turns)
            case .failed(let error, let time) where ContinuousClock.now - time < Self.patience:
                var fault = FerryError(explaining: error)
                guard fault.kind != .usage else { throw fault }
                let age = Int(time.duration(to: .now) / .seconds(1))
                fault.details.append(
                    "That was \(age.counted("second")) ago. The server is asked again \(Int(Self.patience / .seconds(1))) seconds after it was asked."
                )
                throw fault
            case .unused, .failed: break
            }
            do {
                // The others wait for it as well: whoever started it does not stop it.
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
