import BSON
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
    private let context: MongoError.Context

    /// Begins the search.
    /// - Parameters:
    ///   - client: is destroyed when the search ends.
    ///   - searches: how often to search while a replica set has no primary.
    /// - Throws: ``MongoError`` if the system refuses a thread.
    init(_ client: OpaquePointer, searches: Int, context: MongoError.Context) throws {
        self.context = context
        // Nobody else uses it from now on.
        nonisolated(unsafe) let client = client
        let search = { @Sendable [self] in
            defer { mongoc_client_destroy(client) }
            var error = bson_error_t()
            let preference = mongoc_client_get_read_prefs(client)
            for remaining in (0..<max(searches, 1)).reversed() {
                var found: Result<Int64, MongoError>?
                if let server = mongoc_client_select_server(client, false, preference, &error) {
                    found = .success(mongoc_server_description_round_trip_time(server))
                    mongoc_server_description_destroy(server)
                } else if remaining == 0 || !Self.isWithoutPrimary(client) {
                    found = .failure(MongoError(error, context: context))
                }
                outcome.withLock { $0 = found }
                isDone.signal()
                if found != nil { break }
            }
        }
        do throws(DetachedThread.Refusal) { try DetachedThread.start(search) } catch {
            mongoc_client_destroy(client)
            throw MongoError(driver: error.text, context: context)
        }
    }

    /// Whether members of a replica set answer, and none of them is a primary or knows one: an election is going on, or
    /// most members are gone.
    private static func isWithoutPrimary(_ client: OpaquePointer) -> Bool {
        var count = 0
        guard let servers = mongoc_client_get_server_descriptions(client, &count) else { return false }
        defer { mongoc_server_descriptions_destroy_all(servers, count) }
        let members = (0..<count).compactMap { servers[$0] }.filter {
            ["RSPrimary", "RSSecondary"].contains(String(cString: mongoc_server_description_type($0)))
        }
        return !members.isEmpty
            && members.allSatisfy { member in
                guard let hello = mongoc_server_description_hello_response(member) else { return false }
                return (try? Document(copying: hello)).map { $0["primary"] == nil } ?? false
            }
    }

    /// Waits for the search to end.
    /// - Parameter timeout: the milliseconds that each search may take.
    /// - Returns: the round trip of the first `hello`, in milliseconds.
    /// - Throws: ``MongoError`` if no suitable server was found, or if the search has not ended.
    func wait(_ timeout: Int) throws -> Int64 {
        while isDone.wait(timeout: .now() + .milliseconds(timeout)) == .success {
            if let result = outcome.withLock({ $0 }) { return try result.get() }
        }
        throw MongoError(
            domain: .serverSelection, code: Int(MONGOC_ERROR_SERVER_SELECTION_FAILURE.rawValue),
            message: "\(Self.noEnd) within \(timeout / 1000) seconds", context: context)
    }

    fileprivate static let noEnd = "the search for a server did not end"
}

extension MongoError {
    /// The search for a server did not end: a replica set member's host name cannot be resolved here.
    public var isEndlessSearch: Bool { isServerSelection && message.hasPrefix(FirstContact.noEnd) }
}
