import BSON
import CLibMongoC

extension Client {
    /// What a server says about itself; any user may ask, and without a user too.
    ///
    /// Its `hello` is known from watching it, so only the version is asked for, which also shows whether user and password
    /// are accepted.
    /// - Throws: ``MongoError`` where none answers, or where user and password are refused.
    public func serverInfo() throws -> ServerInfo {
        let buildInfo = try run(["buildInfo": 1], on: "admin", readPreference: .connectionString)
        let info = ServerInfo(hello: try hello(), buildInfo: buildInfo)
        if info.topology == .sharded { pool.noteRouter() }
        return info
    }

    private func hello() throws -> Document {
        if let hello = try watched(takingWrites: false), hello["maxWireVersion"] != nil { return hello }
        // Behind a load balancer nobody watches.
        do {
            return try run(["hello": 1], on: "admin", readPreference: .connectionString)
        } catch let error as MongoError where error.isCommandNotFound {
            // Before 4.4.2.
            return try run(["isMaster": 1], on: "admin", readPreference: .connectionString)
        }
    }

    /// Asks a replica set's member how far it is; nil of other servers.
    /// - Throws: ``MongoError``.
    public func replicationState() throws -> ReplicationState? {
        ReplicationState(try run(["hello": 1], on: "admin", readPreference: .connectionString))
    }

    /// The latest `hello` of a server, see ``withServer(takingWrites:_:_:)``; nil where there has been none.
    private func watched(takingWrites: Bool, _ context: String? = nil) throws -> Document? {
        try withServer(takingWrites: takingWrites, context) {
            try mongoc_server_description_hello_response($0).map(Document.init(copying:))
        }
    }

    /// How long the server took to answer `hello`, in whole milliseconds; connecting may be part of it. Nil where nobody
    /// watches it, as behind a load balancer.
    /// - Throws: ``MongoError``.
    public func observedRoundTrip() throws -> Duration? {
        let watched = try withServer(takingWrites: false) { mongoc_server_description_round_trip_time($0) }
        return [watched < 0 ? nil : .milliseconds(watched), pool.firstRoundTrip].compactMap { $0 }.min()
    }

    /// What the primary takes in one message; known from watching it, so usually without asking.
    func limitsForWrites(_ context: String) throws -> ServerLimits {
        guard let hello = try watched(takingWrites: true, context) else {
            throw MongoError(driver: "the server did not answer hello", context: context)
        }
        return ServerLimits(hello)
    }

    /// Whether the server that takes writes knows `commitQuorum`: members of replica sets and routers from 4.4. Known from
    /// watching it.
    func knowsCommitQuorum() throws -> Bool {
        let hello = try watched(takingWrites: true)
        let isOfSet = hello?["setName"] != nil || hello?["msg"]?.string == "isdbgrid"
        return isOfSet && hello?["maxWireVersion"]?.integer ?? 0 >= 9
    }

    /// - Parameters:
    ///   - takingWrites: whether it is the server that takes writes, and not the one that is read from.
    ///   - context: what it is for; nil for connecting.
    private func withServer<Result>(
        takingWrites: Bool, _ context: String? = nil, _ body: (OpaquePointer) throws -> Result
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
