import Foundation
import MongoDriver

/// Waits for a server whose cache is full.
struct CacheWait {
    let cancellation: Cancellation
    var patience = Duration.seconds(20)
    var pause = 0.25

    /// Sends again, one by one, the statements for which there was no room.
    /// - Parameters:
    ///   - errors: those of these statements.
    ///   - send: sends the statement with that index alone.
    ///   - settled: is called once for each, when its outcome is known: with its error, or nil if it was written.
    /// - Throws: what `send` and `settled` throw; ``MongoError`` if a majority has not acknowledged one;
    ///   `CancellationError`.
    func run(
        _ errors: [WriteError], _ send: (_ statement: Int) throws -> BulkWriteResult,
        settled: (WriteError?) throws -> Void
    ) throws {
        var waiting = errors
        let began = ContinuousClock.now
        while !waiting.isEmpty, ContinuousClock.now - began < patience {
            try cancellation.check()
            Thread.sleep(forTimeInterval: pause)
            var still: [WriteError] = []
            for error in waiting {
                let result = try send(error.index)
                try result.requireConfirmed()
                let again = result.writeErrors.first?.at(error.index)
                if let again, again.isForLackOfCache { still.append(again) } else { try settled(again) }
            }
            waiting = still
        }
        for error in waiting { try settled(error) }
    }
}
