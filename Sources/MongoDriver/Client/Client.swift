import BSON
import CLibMongoC

/// One connection to the deployment: at most one socket per server, one command at a time.
///
/// Belongs to one thread at a time, together with the sessions, cursors and bulk writes made from it: it may be created
/// on one thread and handed over as a whole to another. Keeps its pool alive, and returns to it when its last reference
/// is released.
public final class Client {
    let handle: OpaquePointer
    public let pool: ClientPool

    init(handle: OpaquePointer, pool: ClientPool) {
        self.handle = handle
        self.pool = pool
    }

    /// The user's authentication database, from the connection string or, for a `mongodb+srv` address, from the DNS
    /// record found for it.
    public var authSource: String? {
        mongoc_client_get_uri(handle).flatMap { mongoc_uri_get_auth_source($0) }.map { String(cString: $0) }
    }

    /// Runs any command as it is: nothing is added from the connection string, nothing is retried.
    ///
    ///     try client.run(["ping": 1], on: "admin")
    ///
    /// - Parameter readPreference: selects the server; the primary by default.
    /// - Returns: the server's reply.
    /// - Throws: ``MongoError`` naming the command and its target.
    @discardableResult
    public func run(
        _ command: Document, on database: String, session: Session? = nil, readPreference: ReadPreference = .primary
    ) throws -> Document {
        try runForReply(command, on: database, CommandOptions(session: session), readPreference).copy()
    }

    /// Runs a command that reads, with the connection string's read preference and read concern; retries it once after
    /// a network error or an election.
    ///
    /// For `count`, `distinct` and the like. Commands that take no read concern (`listIndexes`, `collStats`, `dbStats`)
    /// go through ``run(_:on:session:readPreference:)``.
    /// - Throws: ``MongoError`` naming the command and its target.
    public func runRead(
        _ command: Document, on database: String, readPreference: ReadPreference = .connectionString
    ) throws -> Document {
        try reply(to: command, on: database, CommandOptions(), readPreference) {
            mongoc_client_read_command_with_opts(handle, database, $0, $1, $2, $3, &$4)
        }.copy()
    }

    /// Runs a command that changes something (`create`, `drop`, `renameCollection`, `update` and the like) on the
    /// primary, with a write concern.
    ///
    /// Not retried: after a network error, it may or may not have been done.
    /// - Throws: ``MongoError``; with ``MongoError/isWriteConcernFailure`` if it was done but not acknowledged. For an
    ///   `insert`, `update` or `delete`, the error of the first refused statement: others may have been done.
    @discardableResult
    public func runWrite(
        _ command: Document, on database: String, writeConcern: WriteConcern = .majority
    ) throws -> Document {
        let reply = try runWriteStatements(command, on: database, writeConcern: writeConcern)
        if let error = reply["writeErrors"]?.array?.first?.document {
            throw error.withRaw { WriteError($0) }.failure(of: try Self.context(command, database))
        }
        return reply
    }

    /// Like ``runWrite(_:on:writeConcern:)``, for an `insert`, `update` or `delete` with statements that may be
    /// refused.
    /// - Returns: the reply, whose `writeErrors` lists the refused statements; see ``WriteError/all(in:of:offset:)``.
    /// - Throws: ``MongoError``; with ``MongoError/isWriteConcernFailure`` if it was done but not acknowledged.
    public func runWriteStatements(
        _ command: Document, on database: String, writeConcern: WriteConcern = .majority
    ) throws -> Document {
        let context = try Self.context(command, database)
        try writeConcern.requireAcknowledged(context)
        let reply = Reply()
        var error = bson_error_t()
        let isDone = try CommandOptions(writeConcern: writeConcern).withC { options in
            try command.withC { command in
                mongoc_client_write_command_with_opts(handle, database, command, options, reply.pointer, &error)
            }
        }
        guard isDone else { throw MongoError(error, reply: reply, context: context) }
        return try reply.copy()
    }

    /// Starts a session for operations that belong together: the reads of a cursor, the commands of a transaction.
    /// - Throws: ``MongoError`` if no server answers, or if the server does not support sessions.
    public func startSession() throws -> Session {
        guard let options = mongoc_session_opts_new() else { throw MongoError(driver: "out of memory") }
        defer { mongoc_session_opts_destroy(options) }
        mongoc_session_opts_set_causal_consistency(options, false)
        var error = bson_error_t()
        guard let handle = mongoc_client_start_session(handle, options, &error) else {
            throw MongoError(error, context: "starting a session")
        }
        return Session(client: self, handle: handle)
    }

    deinit { pool.take(back: handle) }
}

extension Client {
    func runForReply(
        _ command: Document, on database: String, _ options: CommandOptions, _ readPreference: ReadPreference
    ) throws -> Reply {
        try reply(to: command, on: database, options, readPreference) {
            mongoc_client_command_with_opts(handle, database, $0, $1, $2, $3, &$4)
        }
    }

    /// - Parameter call: the C call, which takes command, read preference, options, and the reply and error that it
    ///   fills in; returns false with an error.
    private func reply(
        to command: Document, on database: String, _ options: CommandOptions, _ readPreference: ReadPreference,
        _ call: (CDocument, OpaquePointer?, CDocument, CDocument, inout bson_error_t) -> Bool
    ) throws -> Reply {
        let context = try Self.context(command, database)
        try check(options.session, context)
        let reply = Reply()
        var error = bson_error_t()
        var options = options
        if readPreference == .connectionString { options.serverID = options.serverID ?? pool.serverID }
        let isDone = try options.withC { options in
            try command.withC { command in
                try withPreference(readPreference) { preference in
                    call(command, preference, options, reply.pointer, &error)
                }
            }
        }
        guard isDone else { throw MongoError(error, reply: reply, context: context) }
        return reply
    }

    func withPreference<Result>(
        _ preference: ReadPreference, _ body: (OpaquePointer?) throws -> Result
    ) throws -> Result {
        switch preference {
        case .connectionString: return try body(mongoc_client_get_read_prefs(handle))
        case .primary:
            // Passed explicitly: some calls take null for the connection string's read preference.
            guard let primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY) else {
                throw MongoError(driver: "out of memory")
            }
            defer { mongoc_read_prefs_destroy(primary) }
            return try body(primary)
        }
    }

    func check(_ session: Session?, _ context: MongoError.Context) throws {
        guard let session, session.client !== self else { return }
        throw MongoError(driver: "the session is another client's", context: context)
    }

    /// Describes the command from its first element: `find on insurance.customers`.
    static func context(_ command: Document, _ database: String) throws -> MongoError.Context {
        guard !database.isEmpty, !database.utf8.contains(0) else {
            throw MongoError(driver: "'\(database)' is not a database's name: it is empty or contains a zero byte")
        }
        return command.withRaw { raw in
            guard let first = raw.first else { return "an empty command on \(database)" }
            let target = first.string.map { $0.hasScalarPrefix(database + ".") ? $0 : "\(database).\($0)" }
            return MongoError.Context(command: first.name, on: target ?? database)
        }
    }
}
