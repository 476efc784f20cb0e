import BSON
import Foundation
import MongoDriver

/// Does again what may be done twice, after a broken connection or an election.
///
/// libmongoc retries single writes and reads by itself, but not commands such as `create` or `renameCollection`: of
/// those only their caller knows what a second time means.
enum Repeating {
    /// Each waits for a primary as long as the connection string allows, so an election fits in.
    private static let attempts = 4
    private static let pause = 0.2

    /// - Parameter body: told whether an earlier attempt may have been carried out already.
    /// - Throws: what the last attempt threw.
    static func run<Result>(_ body: (_ isAgain: Bool) throws -> Result) throws -> Result {
        var attempt = 1
        while true {
            do {
                return try body(attempt > 1)
            } catch let error as MongoError where error.isWorthRepeating && attempt < attempts {
                Thread.sleep(forTimeInterval: pause * Double(attempt))
                attempt += 1
            }
        }
    }

    /// As long as somebody else's operation may be in the way, such as the building of an index.
    private static let patience = Duration.seconds(60)

    /// Waits while somebody else's operation is in the way, about a minute at most.
    /// - Throws: what the last attempt threw; `CancellationError`.
    static func whileHeldUp<Result>(_ cancellation: Cancellation, _ body: () throws -> Result) throws -> Result {
        let start = ContinuousClock.now
        while true {
            do {
                return try body()
            } catch let error as MongoError where error.isHeldUp && ContinuousClock.now - start < patience {
                try cancellation.check()
                Thread.sleep(forTimeInterval: pause)
            }
        }
    }
}

extension MongoError {
    /// The outcome is unknown, or done and not confirmed, and another attempt may find a server.
    var isWorthRepeating: Bool {
        isNetworkError || isNotPrimary || isWriteConcernFailure || labels.contains("RetryableWriteError")
    }

    /// The command may have been carried out, or an attempt before this one: no server was found for another.
    var isOfUnknownOutcome: Bool { isWorthRepeating || isServerSelection }
}

extension Client {
    /// It takes no read concern, which the connection string's would make the server refuse.
    func ping(_ database: String) throws -> Document {
        try Repeating.run { _ in try run(["ping": 1], on: database, readPreference: .connectionString) }
    }
}
