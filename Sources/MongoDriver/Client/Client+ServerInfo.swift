import BSON
import CLibMongoC

extension Client {
    /// Returns what the server says about itself; any user may ask, as may a client without a user.
    ///
    /// Its `hello` is known from monitoring, so only the version is requested, which also shows whether user and
    /// password are accepted.
    /// - Throws: ``MongoError`` if no server answers, or if user or password are refused.
    public func serverInfo() throws -> ServerInfo {
        let buildInfo = try retryingRead {
            try run(["buildInfo": 1], on: "admin", readPreference: .connectionString)
        }
        let info = ServerInfo(hello: try hello(), buildInfo: buildInfo)
        if info.topology == .sharded { pool.noteRouter() }
        return info
    }

    private func hello() throws -> Document {
        if let hello = try watched(takingWrites: false), hello["maxWireVersion"] != nil { return hello }
        // Behind a load balancer, servers are not monitored.
        do {
            return try run(["hello": 1], on: "admin", readPreference: .connectionString)
        } catch let error as MongoError where error.isCommandNotFound {
            // Servers before 4.4.2 have no `hello`.
            return try run(["isMaster": 1], on: "admin", readPreference: .connectionString)
        }
    }

    /// Asks a replica set member for its replication state; nil for other servers.
    /// - Throws: ``MongoError``.
    public func replicationState(readPreference: ReadPreference = .connectionString) throws -> ReplicationState? {
        ReplicationState(try retryingRead { try run(["hello": 1], on: "admin", readPreference: readPreference) })
    }

    /// The latest `hello` of the server that ``withServer(takingWrites:_:_:)`` selects; nil if there was none.
    private func watched(takingWrites: Bool, _ context: MongoError.Context? = nil) throws -> Document? {
        try withServer(takingWrites: takingWrites, context) {
            try mongoc_server_description_hello_response($0).map(Document.init(copying:))
        }
    }

    /// The shorter of the server's monitored round trip and that of the first contact, in whole milliseconds;
    /// connecting may be part of it. Nil if neither is known, as behind a load balancer.
    /// - Throws: ``MongoError``.
    public func observedRoundTrip() throws -> Duration? {
        let watched = try withServer(takingWrites: false) { mongoc_server_description_round_trip_time($0) }
        return [watched < 0 ? nil : .milliseconds(watched), pool.firstRoundTrip].compactMap { $0 }.min()
    }

    /// The primary's message limits; known from monitoring, so usually without a round trip.
    func limitsForWrites(_ context: MongoError.Context) throws -> ServerLimits {
        guard let hello = try watched(takingWrites: true, context) else {
            throw MongoError(driver: "the server did not answer hello", context: context)
        }
        return ServerLimits(hello)
    }

    /// Whether the server that takes writes supports `commitQuorum` (replica set members and routers from 4.4), as
    /// known from monitoring.
    func knowsCommitQuorum() throws -> Bool {
        let hello = try watched(takingWrites: true)
        let isOfSet = hello?["setName"] != nil || hello?["msg"]?.string == "isdbgrid"
        return isOfSet && hello?["maxWireVersion"]?.integer ?? 0 >= 9
    }

    /// Calls `body` with the description of a server.
    /// - Parameters:
    ///   - takingWrites: whether to use the server that takes writes instead of the one that is read from.
    ///   - context: what the server is needed for; nil for connecting.
    private func withServer<Result>(
        takingWrites: Bool, _ context: MongoError.Context? = nil, _ body: (OpaquePointer) throws -> Result
    ) throws -> Result {
        var error = bson_error_t()
        let selected =
            if takingWrites {
                mongoc_client_select_server(handle, true, nil, &error)
            } else if let server = pool.serverID {
                mongoc_client_get_server_description(handle, server)
            } else {
                try withPreference(.connectionString) { mongoc_client_select_server(handle, false, $0, &error) }
            }
        guard let selected else {
            throw MongoError(error, context: context ?? ClientPool.context(pool.connectionString))
        }
        defer { mongoc_server_description_destroy(selected) }
        return try body(selected)
    }
}
