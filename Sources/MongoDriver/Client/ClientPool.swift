import CLibMongoC
import Dispatch
import Synchronization

/// The connections to one deployment, and the threads that monitor its servers.
///
/// Any thread may use it. A ``Client`` belongs to one thread at a time and keeps its pool alive.
public final class ClientPool: Sendable {
    public let connectionString: ConnectionString
    /// The number of clients meant to be in use at once: the connection string's `maxPoolSize`, if given.
    public let maximumSize: Int
    /// The number of additional clients allowed, so that a lock can be renewed while all others are in use.
    public let spare: Int

    // libmongoc locks the pool itself; the pointer never changes.
    nonisolated(unsafe) private let handle: OpaquePointer
    private let readsFromPrimary: Bool
    private let firstContactTimeout: Int32
    /// Milliseconds.
    let socketTimeout: Int32
    private let wasReached = Atomic<Bool>(false)
    private let firstMilliseconds = Atomic<Int64>(-1)

    /// Whether the read preference in effect allows servers other than the primary.
    public var choosesAmongServers: Bool {
        guard !readsFromPrimary, let uri = try? connectionString.makeURI() else { return false }
        let mode = mongoc_uri_get_read_prefs_t(uri.pointer).map(mongoc_read_prefs_get_mode)
        return mode.map { $0 != MONGOC_READ_PRIMARY } ?? false
    }

    private let fixedServer = Atomic<UInt32>(0)

    /// The server that handles all reads with the connection string's read preference; nil if each read selects one.
    var serverID: UInt32? {
        let server = fixedServer.load(ordering: .acquiring)
        return server == 0 ? nil : server
    }

    /// Keeps all reads with the connection string's read preference on the server that would be selected now: another
    /// one may lag behind it, and their answers would not fit together.
    /// - Throws: ``MongoError`` if no server can be selected.
    public func keepToOneServer() throws {
        let server = try withClient { try $0.selectServer(.connectionString, Self.context(connectionString)) }
        fixedServer.store(server, ordering: .releasing)
    }

    /// The round trip of the first `hello`, in whole milliseconds; connecting may be part of it. Nil until then.
    public var firstRoundTrip: Duration? {
        let milliseconds = firstMilliseconds.load(ordering: .relaxed)
        return milliseconds < 0 ? nil : .milliseconds(milliseconds)
    }

    /// Prepares the pool; no connection is made before the first client is requested.
    ///
    /// Unless the connection string says otherwise: 5 seconds to connect, 5 seconds to find a server the first time, and
    /// 30 later or if a replica set has no primary, which is enough for an election. Commands have no time limit, since
    /// building an index takes as long as it takes; keep-alive detects a peer that is gone.
    /// - Parameters:
    ///   - maximumSize: used if the connection string has no `maxPoolSize`.
    ///   - spare: clients beyond that, for callers that limit their work by ``maximumSize`` themselves.
    ///   - readsFromPrimary: whether to read from the primary whatever the connection string says. A writer has to read
    ///     what was written.
    /// - Throws: ``MongoError`` for options that conflict, or a `mongodb+srv` name that is not found.
    public init(
        _ connectionString: ConnectionString, applicationName: String, maximumSize: Int = 100, spare: Int = 0,
        readsFromPrimary: Bool = false
    ) throws {
        LibMongoC.started
        self.connectionString = connectionString
        self.readsFromPrimary = readsFromPrimary
        let uri = try Self.makeURI(connectionString, readsFromPrimary)
        uri.setDefault(MONGOC_URI_CONNECTTIMEOUTMS, 5_000)
        // For other drivers, 0 means no timeout; libmongoc takes it for its default of five minutes.
        if mongoc_uri_get_option_as_int32(uri.pointer, MONGOC_URI_SOCKETTIMEOUTMS, 0) == 0 {
            uri.set(MONGOC_URI_SOCKETTIMEOUTMS, Self.noTimeout)
        }
        socketTimeout = mongoc_uri_get_option_as_int32(uri.pointer, MONGOC_URI_SOCKETTIMEOUTMS, 0)
        uri.setDefault(MONGOC_URI_MAXPOOLSIZE, Int32(clamping: max(maximumSize, 1)))
        self.maximumSize = Int(mongoc_uri_get_option_as_int32(uri.pointer, MONGOC_URI_MAXPOOLSIZE, 100))
        self.spare = max(spare, 0)
        uri.set(MONGOC_URI_MAXPOOLSIZE, Int32(clamping: self.maximumSize + self.spare))
        // A name that is too long for the handshake is left out rather than refused.
        if !uri.has(MONGOC_URI_APPNAME) { _ = mongoc_uri_set_appname(uri.pointer, applicationName) }
        firstContactTimeout = mongoc_uri_get_option_as_int32(uri.pointer, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 5_000)
        uri.setDefault(MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 30_000)
        var error = bson_error_t()
        guard let handle = mongoc_client_pool_new_with_error(uri.pointer, &error) else {
            throw MongoError(error, context: Self.context(connectionString))
        }
        _ = mongoc_client_pool_set_error_api(handle, MONGOC_ERROR_API_VERSION_2)
        self.handle = handle
    }

    private let hasRouter = Atomic<Bool>(false)

    /// Whether the connection string leads to routers of a sharded cluster; known after ``Client/serverInfo()``.
    public var leadsToRouter: Bool { hasRouter.load(ordering: .acquiring) }

    func noteRouter() { hasRouter.store(true, ordering: .releasing) }

    /// The connection string's read concern, unless it is a snapshot: most commands do not accept that, and reads
    /// of a snapshot ask for it with ``ReadConcern/snapshot(at:)``.
    ///
    /// For sharded clusters, cursors always get a level: without one, secondaries of servers before 5.0 also return
    /// stale copies of documents that have moved to another shard. Source: MongoDB manual, read concern "available".
    var readConcern: ReadConcern? {
        guard let concern = connectionString.readConcern else { return leadsToRouter ? .local : nil }
        return concern.isSnapshot ? nil : concern
    }

    private static func makeURI(_ connectionString: ConnectionString, _ readsFromPrimary: Bool) throws -> URIHandle {
        let uri = try connectionString.makeURI()
        if connectionString.readConcern?.isSnapshot == true, let concern = mongoc_read_concern_new() {
            mongoc_uri_set_read_concern(uri.pointer, concern)
            mongoc_read_concern_destroy(concern)
        }
        guard readsFromPrimary else { return uri }
        guard let primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY) else {
            throw MongoError(driver: "out of memory")
        }
        defer { mongoc_read_prefs_destroy(primary) }
        mongoc_uri_set_read_prefs_t(uri.pointer, primary)
        return uri
    }

    /// A day, since libmongoc has no way to say "never".
    static let noTimeout: Int32 = 86_400_000

    /// Lends a client while `body` runs.
    /// - Throws: ``MongoError`` if no client can be had; whatever `body` throws.
    public func withClient<Result>(_ body: (Client) throws -> Result) throws -> Result {
        try body(try makeClient())
    }

    /// Returns a client that goes back to the pool when its last reference, its cursors' included, is released.
    ///
    /// Never waits for a client that another thread holds.
    /// - Throws: ``MongoError`` if all ``maximumSize`` and ``spare`` clients are in use; until a server was reached
    ///   once, also if none answers within five seconds or the time that the connection string allows.
    public func makeClient() throws -> sending Client {
        // The first client starts the threads that monitor the servers, so they run during the first contact.
        guard let handle = mongoc_client_pool_try_pop(handle) else {
            throw MongoError(
                driver: "all \(maximumSize + spare) connections are in use; raise maxPoolSize in the connection string",
                context: Self.context(connectionString))
        }
        let client = Client(handle: handle, pool: self)
        try reachForTheFirstTime()
        return client
    }

    /// Called only by ``Client/deinit``.
    func take(back client: OpaquePointer) { mongoc_client_pool_push(handle, client) }

    /// How often to search, each time for five seconds, while a replica set has no primary.
    private static let searchesDuringElection = 6

    /// Looks for a server with a short timeout, on a separate client: the pool's timeout cannot be changed later, and
    /// its monitors report less clearly why a server cannot be used.
    private func reachForTheFirstTime() throws {
        guard !wasReached.load(ordering: .acquiring) else { return }
        let uri = try Self.makeURI(connectionString, readsFromPrimary)
        uri.setDefault(MONGOC_URI_CONNECTTIMEOUTMS, min(firstContactTimeout, 5_000))
        let searches = uri.has(MONGOC_URI_SERVERSELECTIONTIMEOUTMS) ? 1 : Self.searchesDuringElection
        uri.set(MONGOC_URI_SERVERSELECTIONTIMEOUTMS, firstContactTimeout)
        _ = mongoc_uri_set_option_as_bool(uri.pointer, MONGOC_URI_SERVERSELECTIONTRYONCE, false)
        var error = bson_error_t()
        guard let client = mongoc_client_new_from_uri_with_error(uri.pointer, &error) else {
            throw MongoError(error, context: Self.context(connectionString))
        }
        // A connection attempt may begin just before the search times out.
        let timeout = Int(firstContactTimeout) + 6_000
        let contact = try FirstContact(client, searches: searches, context: Self.context(connectionString))
        let milliseconds = try contact.wait(timeout)
        firstMilliseconds.store(milliseconds, ordering: .relaxed)
        wasReached.store(true, ordering: .releasing)
    }

    static func context(_ connectionString: ConnectionString) -> MongoError.Context {
        "connecting to \(connectionString.hosts.joined(separator: ", "))"
    }

    deinit {
        // Joining the monitoring threads takes up to half a second, and ending sessions on a server that is gone as
        // long as an election: nobody should have to wait for that. Nothing else has the pointer now.
        nonisolated(unsafe) let handle = handle
        do { try DetachedThread.start { mongoc_client_pool_destroy(handle) } } catch {
            mongoc_client_pool_destroy(handle)
        }
    }
}
