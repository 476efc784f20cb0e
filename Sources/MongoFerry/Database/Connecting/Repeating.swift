import BSON
import Foundation
import MongoDriver

/// Retries operations that may be done twice, after a broken connection or an election.
///
/// libmongoc retries single writes and reads by itself, but not commands such as `create` or `renameCollection`: only
/// their caller knows what a second execution means.
enum Repeating {
    /// Each attempt waits for a primary as long as the connection string allows, which leaves time for an election.
    private static let attempts = 4
    private static let pause = 0.2

    /// - Parameter body: is told whether an earlier attempt may already have been carried out.
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

    /// How long another client's operation, such as an index build, may be in the way.
    private static let patience = Duration.seconds(60)

    /// Waits while another client's operation is in the way, for about a minute at most.
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
    /// The outcome is unknown, or the write was done but not acknowledged, and another attempt may find a server.
    var isWorthRepeating: Bool {
        isNetworkError || isNotPrimary || isWriteConcernFailure || labels.contains("RetryableWriteError")
    }

    /// This attempt or an earlier one may have been carried out: no server was found for another.
    var isOfUnknownOutcome: Bool { isWorthRepeating || isServerSelection }
}

extension Client {
    /// The command takes no read concern: the server would refuse it with the connection string's.
    func ping(_ database: String) throws -> Document {
        try Repeating.run { _ in try run(["ping": 1], on: database, readPreference: .connectionString) }
    }
}
