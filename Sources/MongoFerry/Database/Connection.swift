import MongoDriver

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
    ///
    /// The shortest of three, since the first makes the connection.
    /// - Throws: ``MongoError``.
    func isDistant() throws -> Bool {
        try withClient { client in
            try (0..<3).map { _ in
                let watch = ContinuousClock()
                return try watch.measure { _ = try client.ping(database) }
            }.min() ?? Duration.zero >= Duration.milliseconds(1)
        }
    }

    /// `replica set rs0`
    var topologyText: String {
        switch server.topology {
        case .standalone: "standalone"
        case .replicaSet(let name): "replica set \(name)"
        case .sharded: "sharded cluster"
        }
    }
}
