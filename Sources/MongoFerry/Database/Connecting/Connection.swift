import BSON
import MongoDriver
import Synchronization

/// An open connection to one database.
final class Connection: Sendable {
    let pool: ClientPool
    let database: String
    let server: ServerInfo
    /// The read concern for reads that decide that something need not be written: what no majority has may be rolled
    /// back. Nil if the server has no such reads, or if the connection is not for writing.
    let majorityReadConcern: ReadConcern?
    /// ``Target/options``
    let targetOptions: [String]
    private let knownRoundTrip = Mutex<Duration?>(nil)

    /// Connects and asks the server what it is.
    /// - Parameters:
    ///   - cancellation: checked also while no server answers.
    ///   - forWriting: reads from the primary, whatever the connection string prefers.
    ///   - meanwhile: called on a connection of its own at the same time if the server is distant; otherwise not
    ///     called.
    /// - Throws: ``FerryError`` naming host, cause and remedy; `CancellationError`.
    init(
        _ target: Target, database: String, _ cancellation: Cancellation, forWriting: Bool = false,
        meanwhile: (@Sendable (Client) -> Void)? = nil
    ) throws {
        try Target.check(databaseName: database)
        try CertificateFile.check(target.connectionString)
        self.database = database
        targetOptions = target.options
        // libmongoc looks for a server for as long as the connection string allows, and cannot be interrupted.
        (pool, server, majorityReadConcern) = try Threads.run(leavingOn: cancellation) {
            do {
                let pool = try ClientPool(
                    target.connectionString, applicationName: Self.applicationName, spare: Self.spare,
                    readsFromPrimary: forWriting)
                if pool.choosesAmongServers { try pool.keepToOneServer() }
                let server = try Self.contact(pool, database, meanwhile)
                try Self.requireData(server, target.connectionString)
                if forWriting { try Self.requireWritable(server, target.connectionString) }
                return (pool, server, forWriting ? try Self.majorityReadConcern(pool, server, database) : nil)
            } catch let error as MongoError {
                try cancellation.check()
                var fault = ConnectionFault.describe(error, target.connectionString)
                if let remark = target.remark { fault.details.append(remark) }
                throw fault
            }
        }
    }

    /// - Throws: ``FerryError`` if the connection string leads to an arbiter.
    private static func requireData(_ server: ServerInfo, _ connectionString: ConnectionString) throws {
        guard case .replicaSet(let name) = server.topology, server.isArbiter else { return }
        throw FerryError(
            "\(connectionString.hosts.joined(separator: ", ")) is an arbiter of the replica set \(name), and has no data",
            advice: [advice(leadingTo: name, connectionString)])
    }

    /// - Throws: ``FerryError`` if the connection string leads to a member that accepts no writes.
    private static func requireWritable(_ server: ServerInfo, _ connectionString: ConnectionString) throws {
        guard case .replicaSet(let name) = server.topology, !server.isWritablePrimary else { return }
        throw FerryError(
            "\(connectionString.hosts.joined(separator: ", ")) is not the primary of the replica set \(name), and takes no writes",
            details: [FerryError.nothingWritten], advice: [advice(leadingTo: name, connectionString)])
    }

    /// Without `replicaSet`, libmongoc stays with a single named host.
    private static func advice(leadingTo name: String, _ connectionString: ConnectionString) -> String {
        "Say replicaSet=\(name) in the connection string\(connectionString.isDirect ? ", and leave directConnection=true out" : ""): then the primary is found by itself."
    }

    /// Before 5.0, members of a replica set may be configured without majority reads; then they report it.
    private static func majorityReadConcern(_ pool: ClientPool, _ server: ServerInfo, _ database: String) throws
        -> ReadConcern?
    {
        if server.topology == .standalone { return nil }
        if server.isAtLeast(5) { return .majority }
        do {
            let options = FindOptions(limit: 1, readConcern: .majority, readPreference: .primary)
            try pool.withClient {
                try $0.find(Namespace(database, OwnNames.lock), [:], options: options).forEach { _ in }
            }
            return .majority
        } catch let error as MongoError where error.isMajorityReadUnsupported {
            return nil
        } catch let error as MongoError where error.isUnauthorized {
            // Missing privileges are reported by the operation that needs them, not by this question.
            return .majority
        }
    }

    /// Connects and lists what the database holds.
    /// - Throws: ``FerryError`` naming host, cause and remedy; ``MongoError`` if listing fails; `CancellationError`.
    static func listing(
        _ target: Target, database: String, _ cancellation: Cancellation
    ) throws -> (Connection, [CollectionInfo]) {
        let early = Mutex<Result<[CollectionInfo], any Error>?>(nil)
        let connection = try Connection(target, database: database, cancellation) { client in
            let listed = Result { try client.listCollections(in: database) }
            early.withLock { $0 = listed }
        }
        if let listed = early.withLock({ $0 }) { return (connection, try listed.get()) }
        return (connection, try connection.withClient { try $0.listCollections(in: database) })
    }

    /// The name under which this program introduces itself to servers.
    static let applicationName = "mongoferry"

    /// Connections beyond the connection string's `maxPoolSize`: the lock's, and those for questions while all workers
    /// hold theirs.
    private static let spare = 16

    /// Asks what the server is. If it is distant, also opens the connections for later questions at the same time:
    /// otherwise each would begin with a round trip of its own.
    private static func contact(
        _ pool: ClientPool, _ database: String, _ meanwhile: (@Sendable (Client) -> Void)?
    ) throws -> ServerInfo {
        let ask = { @Sendable in try pool.withClient { try $0.serverInfo() } }
        let first = try pool.withClient { _ in pool.firstRoundTrip }
        guard let first, first >= surelyDistant else { return try ask() }
        let server = Mutex<ServerInfo?>(nil)
        let asking = { @Sendable in
            let answer = try ask()
            server.withLock { $0 = answer }
        }
        let opening = { @Sendable in _ = try pool.withClient { try $0.ping(database) } }
        let others = max(1, min(concurrentQueries, pool.maximumSize)) - 1
        var bodies = [asking] + Array(repeating: opening, count: others)
        if let meanwhile { bodies.insert({ try pool.withClient { meanwhile($0) } }, at: 1) }
        try Threads.runAll(bodies)
        return try server.withLock { $0 } ?? ask()
    }

    /// Uses existing connections.
    init(pool: ClientPool, server: ServerInfo, database: String) {
        self.pool = pool
        self.server = server
        self.database = database
        targetOptions = []
        majorityReadConcern = nil
    }

    func namespace(_ collection: String) -> Namespace { Namespace(database, collection) }

    func withClient<Result>(_ body: (Client) throws -> Result) throws -> Result { try pool.withClient(body) }

    /// Whether a question to the server takes a millisecond or more, so that waiting is worth avoiding.
    /// - Throws: ``MongoError``.
    func isDistant() throws -> Bool { try roundTrip() >= Self.distant }

    static let distant = Duration.milliseconds(1)

    /// An answer that takes this long is not slow by chance.
    private static let surelyDistant = Duration.milliseconds(4)

    /// The number of cursors to use at once, so that some can work while others wait for the network; never more than
    /// the connection string's `maxPoolSize`. If documents are huge, one, whatever was wanted: each cursor holds a
    /// batch of 16 MB or more, and four collections of 16 MiB documents took 300 MB.
    /// - Parameters:
    ///   - wanted: the number that the user asked for; nil for the best one.
    ///   - averages: the average document size of each collection, in bytes.
    ///   - clientsEach: the number of connections per cursor, including its own.
    /// - Throws: ``MongoError``.
    func readers(_ wanted: Int?, averages: [Int], clientsEach: Int = 1) throws -> Int {
        if averages.contains(where: { $0 > 1 << 20 }) { return 1 }
        let wanted = try wanted ?? (isDistant() ? max(Threads.defaultJobs, 4) : Threads.defaultJobs)
        return bounded(wanted, clientsEach: clientsEach)
    }

    /// Limits a number of threads that use `clientsEach` connections each to the connection string's `maxPoolSize`.
    func bounded(_ wanted: Int, clientsEach: Int = 1) -> Int { max(1, min(wanted, pool.maximumSize / clientsEach)) }

    /// Of collections larger than this, only ``readersOfLarge`` are read at once: any of their batches may have 16 MB,
    /// and more of them gained nothing, not even with a server 20 ms away.
    static let largeBytes = 8 << 20
    static let readersOfLarge = 2

    /// The shortest time that a question to the server takes.
    ///
    /// The times of its first answers suffice if they show it to be near or far. In between they may have been slow by
    /// chance, and up to three pings decide.
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

    private static func isTelling(_ time: Duration) -> Bool { time < distant || time >= surelyDistant }

    /// Asks the server about each of several items: concurrently if waiting for an answer takes longer than producing
    /// it.
    /// - Parameters:
    ///   - atOnce: how many questions may be in flight to a server that is near.
    ///   - atMost: how many to one that is distant, for answers that take memory.
    ///   - isLarge: whether an answer may contain huge documents. Every connection that receives one keeps the memory
    ///     for it, so only few threads ask for these.
    /// - Returns: the answers, in the order of `items`.
    /// - Throws: ``MongoError``; what `ask` throws.
    func answers<Item: Sendable, Answer: Sendable>(
        for items: [Item], atOnce: Int = 1, atMost: Int = concurrentQueries, isLarge: (Item) -> Bool = { _ in false },
        _ ask: @escaping @Sendable (Client, Item) throws -> Answer
    ) throws -> [Answer] {
        let atOnce = try bounded(items.count > 1 && isDistant() ? atMost : min(atOnce, items.count))
        guard atOnce > 1 else { return try withClient { client in try items.map { try ask(client, $0) } } }
        let answers = Mutex<[Int: Answer]>([:])
        let queue = PartQueue(Array(items.enumerated())) { isLarge($0.element) }
        let bodies = (0..<min(items.count, atOnce)).map { thread in
            { @Sendable in
                try self.withClient { client in
                    while let (index, item) = queue.next(takesLarge: thread < Self.readersOfLarge) {
                        let answer = try ask(client, item)
                        answers.withLock { $0[index] = answer }
                    }
                }
            }
        }
        try Threads.runAll(bodies, onFailure: queue.close)
        return try answers.withLock { answers in
            try items.indices.map { index in
                // Otherwise every later answer would be assigned to the wrong item.
                guard let answer = answers[index] else { throw FerryError("\(database): a question was not asked") }
                return answer
            }
        }
    }

    /// Whether the connection string allows enough connections to ask questions while workers hold theirs.
    var hasRoomForQueries: Bool { pool.maximumSize >= 2 * Self.concurrentQueries }

    /// Each question in flight needs a connection, which costs the server a thread and 1 MB.
    static let concurrentQueries = 12

    /// `db1:27017, db2:27017, replica set rs0`: only the first hosts, if there are many.
    var serverText: String {
        let hosts = pool.connectionString.hosts
        let more = hosts.count - Self.hostsShown
        return (hosts.prefix(Self.hostsShown) + (more > 0 ? ["and \(more) more"] : []) + [topologyText])
            .joined(separator: ", ")
    }

    private static let hostsShown = 3

    /// `replica set rs0`
    var topologyText: String {
        switch server.topology {
        case .standalone: "standalone"
        case .replicaSet(let name): "replica set \(name)"
        case .sharded: "sharded cluster"
        }
    }
}
