import CLibMongoC
import Dispatch
import Synchronization

/// The search for a server on a client of its own, on another thread.
///
/// libmongoc 1.23.1 waits for itself, for ever, where a member of a replica set has a name that is not known here, as in
/// Docker's own network: it finds that out while it holds the lock that it needs to note it. Such a search is left to
/// itself.
final class FirstContact: Sendable {
    private let isDone = DispatchSemaphore(value: 0)
    private let outcome = Mutex<Result<Int64, MongoError>?>(nil)
    private let context: String

    /// Begins the search.
    /// - Parameter client: is destroyed when it has ended.
    /// - Throws: ``MongoError`` where the system makes no thread.
    init(_ client: OpaquePointer, context: String) throws {
        self.context = context
        // Nobody else has it from now on.
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

    /// Waits for its end.
    /// - Parameter timeout: milliseconds after which it must have ended.
    /// - Returns: the milliseconds of the first `hello`.
    /// - Throws: ``MongoError`` where there is no server that will do, or the search has not ended.
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
    /// The search for a server did not end: a member of the replica set has a name that is not known here.
    public var isEndlessSearch: Bool { isServerSelection && message.hasPrefix(FirstContact.noEnd) }
}
