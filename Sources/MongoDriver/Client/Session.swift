import CLibMongoC

/// A server session: what a cursor belongs to on the server, and what each of its later reads must carry.
///
/// Belongs to its client's thread. Causal consistency is off, since its `afterClusterTime` would conflict with a
/// snapshot's `atClusterTime`.
public final class Session {
    let client: Client
    let handle: OpaquePointer

    init(client: Client, handle: OpaquePointer) {
        self.client = client
        self.handle = handle
    }

    /// Adds the session to a command's options.
    func append(to options: CDocument) throws {
        var error = bson_error_t()
        guard mongoc_client_session_append(handle, options, &error) else { throw MongoError(error) }
    }

    deinit { mongoc_client_session_destroy(handle) }
}
