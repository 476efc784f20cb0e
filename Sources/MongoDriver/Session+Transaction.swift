import CLibMongoC
import Foundation

extension Session {
    private static let attempts = 5
    /// An update waits for another writer as long as servers let a transaction live, which is a minute.
    private static let patience = Duration.seconds(70)
    /// In seconds; each is twice the one before.
    private static let (firstPause, longestPause) = (0.005, 0.5)

    /// Runs `body` in a transaction: what it writes is done as a whole, or not at all.
    ///
    /// Its commands must name this session. It runs again where an election was in the way, and for about a minute where
    /// another writer is: inside of transactions servers do not wait for those.
    /// - Parameter beforeAgain: called before it runs once more for another writer; what it throws ends the attempts.
    /// - Throws: ``MongoError`` where the transaction could not be made or confirmed, and what `body` throws; then
    ///   nothing of it was done, unless the error is a broken connection while it was committed.
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
                    // Whether the server hears of it or not: what is not committed is gone.
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
        // The connection string's may be one that transactions do not know.
        mongoc_read_concern_set_level(readConcern, "local")
        mongoc_transaction_opts_set_read_concern(options, readConcern)
        mongoc_write_concern_set_wmajority(concern, 0)
        mongoc_transaction_opts_set_write_concern(options, concern)
        var error = bson_error_t()
        guard mongoc_client_session_start_transaction(handle, options, &error) else {
            throw MongoError(error, context: "starting a transaction")
        }
    }

    /// Committing twice is the same as once, so it is repeated while its outcome is unknown.
    private func commit() throws {
        var attempt = 1
        while true {
            let reply = Reply()
            var error = bson_error_t()
            if mongoc_client_session_commit_transaction(handle, reply.pointer, &error) { return }
            let failure = MongoError(error, reply: reply, context: "committing a transaction")
            guard failure.labels.contains("UnknownTransactionCommitResult"), attempt < Self.attempts else {
                throw failure
            }
            attempt += 1
        }
    }
}
