import CLibMongoC
import Dispatch
import Synchronization

/// The search for a server, on a separate client and thread.
///
/// libmongoc 1.23.1 deadlocks if a replica set member's host name cannot be resolved here, as in Docker's own network:
/// it notices while holding the lock that it needs to record this. Such a search is abandoned.
final class FirstContact: Sendable {
    private let isDone = DispatchSemaphore(value: 0)
    private let outcome = Mutex<Result<Int64, MongoError>?>(nil)
    private let context: String

    /// Begins the search.
    /// - Parameter client: is destroyed when the search ends.
    /// - Throws: ``MongoError`` if the system refuses a thread.
    init(_ client: OpaquePointer, context: String) throws {
        self.context = context
        // Nobody else uses it from now on.
        nonisolated(unsafe) let client = client
        let search = { @Sendable [self] in
            defer { mongoc_client_destroy(client) }
            var error = bson_error_t()
            let preference = mongoc_client_get_read_prefs(client)
            let found: Result<Int64, MongoError>
            if let server = mongoc_client_select_server(client, false, preference, &error) {
                found = .success(mongoc_server_description_round_trip_time(server))
                mongoc_server_description_destroy(server)
            } else {
                found = .failure(MongoError(error, context: context))
            }
            outcome.withLock { $0 = found }
            isDone.signal()
        }
        do throws(DetachedThread.Refusal) { try DetachedThread.start(search) } catch {
            mongoc_client_destroy(client)
            throw MongoError(driver: error.text, context: context)
        }
    }

    /// Waits for the search to end.
    /// - Parameter timeout: the milliseconds to wait at most.
    /// - Returns: the round trip of the first `hello`, in milliseconds.
    /// - Throws: ``MongoError`` if no suitable server was found, or if the search has not ended.
    func wait(_ timeout: Int) throws -> Int64 {
        guard isDone.wait(timeout: .now() + .milliseconds(timeout)) == .success,
            let result = outcome.withLock({ $0 })
        else {
            throw MongoError(
                domain: .serverSelection, code: Int(MONGOC_ERROR_SERVER_SELECTION_FAILURE.rawValue),
                message: "\(Self.noEnd) within \(timeout / 1000) seconds", context: context)
        }
        return try result.get()
    }

    fileprivate static let noEnd = "the search for a server did not end"
}

extension MongoError {
    /// The search for a server did not end: a replica set member's host name cannot be resolved here.
    public var isEndlessSearch: Bool { isServerSelection && message.hasPrefix(FirstContact.noEnd) }
}
