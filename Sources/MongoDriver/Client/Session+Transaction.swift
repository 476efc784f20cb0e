import CLibMongoC
import Foundation

extension Session {
    private static let attempts = 5
    /// How long to retry because of another writer. A plain update would wait as long as servers let the other
    /// transaction live: a minute.
    private static let patience = Duration.seconds(70)
    /// In seconds; each pause is twice the previous one.
    private static let (firstPause, longestPause) = (0.005, 0.5)

    /// Runs `body` in a transaction: all of its writes take effect, or none.
    ///
    /// Its commands must name this session. `body` runs again after an election, and for about a minute if another
    /// writer is in the way, since servers do not wait for other writers inside transactions.
    /// - Parameter beforeAgain: called before each retry because of another writer; an error it throws ends the
    ///   attempts.
    /// - Throws: ``MongoError`` if the transaction cannot be started or committed, and whatever `body` and
    ///   `beforeAgain` throw. Nothing was written then, unless the connection broke during the commit.
    public func withTransaction<Result>(
        beforeAgain: () throws -> Void = {}, _ body: () throws -> Result
    ) throws -> Result {
        var attempt = 1
        var pause = Self.firstPause
        let began = ContinuousClock.now
        while true {
            do {
                try start()
                let result: Result
                do {
                    result = try body()
                } catch {
                    // It does not matter whether the server receives this: what is not committed is lost.
                    mongoc_client_session_abort_transaction(handle, nil)
                    throw error
                }
                try commit()
                return result
            } catch let error as MongoError where error.labels.contains("TransientTransactionError") {
                if error.isHeldUp, ContinuousClock.now - began < Self.patience {
                    try beforeAgain()
                    Thread.sleep(forTimeInterval: pause)
                    pause = min(pause * 2, Self.longestPause)
                } else if !error.isHeldUp, attempt < Self.attempts {
                    attempt += 1
                } else {
                    throw error
                }
            }
        }
    }

    private func start() throws {
        guard let options = mongoc_transaction_opts_new(), let concern = mongoc_write_concern_new(),
            let readConcern = mongoc_read_concern_new()
        else {
            throw MongoError(driver: "out of memory")
        }
        defer {
            mongoc_transaction_opts_destroy(options)
            mongoc_write_concern_destroy(concern)
            mongoc_read_concern_destroy(readConcern)
        }
        // The connection string's read concern may be one that transactions do not support.
        mongoc_read_concern_set_level(readConcern, "local")
        mongoc_transaction_opts_set_read_concern(options, readConcern)
        mongoc_write_concern_set_wmajority(concern, 0)
        mongoc_transaction_opts_set_write_concern(options, concern)
        var error = bson_error_t()
        guard mongoc_client_session_start_transaction(handle, options, &error) else {
            throw MongoError(error, context: "starting a transaction")
        }
    }

    /// Committing is idempotent, so it is repeated while the outcome is unknown.
    private func commit() throws {
        var attempt = 1
        while true {
            let reply = Reply()
            var error = bson_error_t()
            if mongoc_client_session_commit_transaction(handle, reply.pointer, &error) { return }
            let failure = MongoError(error, reply: reply, context: "committing a transaction")
            guard failure.isUnknownCommit, attempt < Self.attempts else {
                throw failure
            }
            attempt += 1
        }
    }
}
