import MongoDriver
import Synchronization

/// Where a database is, and which one.
public struct Target: Sendable {
    public var connectionString: ConnectionString
    /// The database's name; nil where neither the command nor the connection string says one.
    public var database: String?

    /// - Parameters:
    ///   - uri: a connection string.
    ///   - database: overrides the connection string's.
    /// - Throws: ``FerryError`` where the connection string is wrong or the name cannot be a database's.
    public init(uri: String, database: String? = nil) throws {
        do {
            connectionString = try ConnectionString(uri)
        } catch let error as MongoError {
            throw FerryError("\(error)", kind: .usage)
        }
        self.database = database ?? connectionString.database
        if let name = self.database { try Self.check(databaseName: name) }
    }

    /// - Throws: ``FerryError`` for a name that servers refuse.
    static func check(databaseName name: String) throws {
        let isLegal =
            !name.isEmpty && name.utf8.count < 64
            && !name.utf8.contains { [0x2F, 0x5C, 0x2E, 0x20, 0x22, 0x24, 0x00].contains($0) }
        guard isLegal else {
            throw FerryError(
                "'\(name)' cannot be a database's name", kind: .usage,
                details: ["A name has 1 to 63 bytes and none of / \\ . \" $ or blank."])
        }
    }
}

/// An open way to one database.
final class Connection: Sendable {
    let pool: ClientPool
    let database: String
    let server: ServerInfo
    private let knownRoundTrip = Mutex<Duration?>(nil)

    /// Connects and asks the server what it is.
    /// - Parameter forWriting: reads from the primary, whatever the connection string prefers.
    /// - Throws: ``FerryError`` naming host, cause and remedy.
    init(_ target: Target, database: String, forWriting: Bool = false) throws {
        try Target.check(databaseName: database)
        self.database = database
        do {
            pool = try ClientPool(target.connectionString, applicationName: "mongoferry", readsFromPrimary: forWriting)
            server = try pool.withClient { try $0.serverInfo() }
        } catch let error as MongoError {
            throw ConnectionFault.describe(error, target.connectionString)
        }
    }

    /// Over connections that are there already.
    init(pool: ClientPool, server: ServerInfo, database: String) {
        self.pool = pool
        self.server = server
        self.database = database
    }

    func namespace(_ collection: String) -> Namespace { Namespace(database, collection) }

    func withClient<Result>(_ body: (Client) throws -> Result) throws -> Result { try pool.withClient(body) }

    /// Whether a question to the server takes a millisecond or more: then waiting is worth avoiding.
    /// - Throws: ``MongoError``.
    func isDistant() throws -> Bool { try roundTrip() >= Self.distant }

    static let distant = Duration.milliseconds(1)

    /// Cursors at once: beside those that wait for a network others can go on. Where documents are huge, one, whatever
    /// was wanted: each holds a batch of 16 MB or more, and four collections of 16 MiB documents took 300 MB.
    /// - Parameters:
    ///   - wanted: as many as somebody said; nil for the best number.
    ///   - averages: how large documents are, by collection, in bytes.
    /// - Throws: ``MongoError``.
    func readers(_ wanted: Int?, averages: [Int]) throws -> Int {
        if averages.contains(where: { $0 > 1 << 20 }) { return 1 }
        return try wanted ?? (isDistant() ? max(Threads.defaultJobs, 4) : Threads.defaultJobs)
    }

    /// Of collections that are larger, so many are read at once: any of their batches may be of 16 MB, and more of them
    /// brought nothing, from a server 20 ms away either.
    static let largeBytes = 8 << 20
    static let readersOfLarge = 2

    /// How long a question to the server takes at least.
    ///
    /// What its first answers took is enough where it is near, and where it is far. In between they may have been slow by
    /// chance, and up to three pings tell.
    /// - Throws: ``MongoError``.
    func roundTrip() throws -> Duration {
        if let known = knownRoundTrip.withLock({ $0 }) { return known }
        let answer = try withClient { client in
            if let observed = try client.observedRoundTrip(), Self.isTelling(observed) { return observed }
            var shortest = Duration.seconds(3600)
            for _ in 0..<3 {
                let time = try ContinuousClock().measure { _ = try client.ping(database) }
                shortest = min(shortest, time)
                if Self.isTelling(time) { break }
            }
            return shortest
        }
        knownRoundTrip.withLock { $0 = answer }
        return answer
    }

    private static func isTelling(_ time: Duration) -> Bool { time < .milliseconds(1) || time >= .milliseconds(4) }

    /// Asks the server about each of several things: at once, where waiting for an answer takes longer than making it.
    /// - Parameter atOnce: how many questions may be on their way to a server that is near.
    /// - Returns: the answers, in the order of `items`.
    /// - Throws: ``MongoError``; what `ask` throws.
    func answers<Item: Sendable, Answer: Sendable>(
        for items: [Item], atOnce: Int = 1, _ ask: @escaping @Sendable (Client, Item) throws -> Answer
    ) throws -> [Answer] {
        let atOnce = try items.count > 1 && isDistant() ? Self.questionsAtOnce : min(atOnce, items.count)
        guard atOnce > 1 else { return try withClient { client in try items.map { try ask(client, $0) } } }
        let answers = Mutex<[Int: Answer]>([:])
        let next = Tally()
        let body = { @Sendable in
            try self.withClient { client in
                while true {
                    let index = next.add(1) - 1
                    guard index < items.count else { return }
                    let answer = try ask(client, items[index])
                    answers.withLock { $0[index] = answer }
                }
            }
        }
        try Threads.runAll(Array(repeating: body, count: min(items.count, atOnce)))
        return answers.withLock { answers in items.indices.compactMap { answers[$0] } }
    }

    /// Each needs a connection, which takes a server a thread and 1 MB.
    private static let questionsAtOnce = 8

    /// `replica set rs0`
    var topologyText: String {
        switch server.topology {
        case .standalone: "standalone"
        case .replicaSet(let name): "replica set \(name)"
        case .sharded: "sharded cluster"
        }
    }
}
