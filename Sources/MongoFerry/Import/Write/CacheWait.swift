import Foundation
import MongoDriver

/// Waits for a server whose cache is full.
struct CacheWait {
    let cancellation: Cancellation
    var patience = Duration.seconds(20)
    var pause = 0.25

    /// Sends again, one by one, the statements for which there was no room.
    /// - Parameter send: sends the statement with that index alone.
    /// - Returns: the remaining errors.
    /// - Throws: what `send` throws; ``FerryError`` if a majority has not acknowledged one; `CancellationError`.
    func run(
        _ errors: [WriteError], _ send: (_ statement: Int) throws -> BulkWriteResult
    ) throws -> [WriteError] {
        var (waiting, left) = (errors.filter(\.isForLackOfCache), errors.filter { !$0.isForLackOfCache })
        guard !waiting.isEmpty else { return errors }
        let began = ContinuousClock.now
        while !waiting.isEmpty, ContinuousClock.now - began < patience {
            try cancellation.check()
            Thread.sleep(forTimeInterval: pause)
            var still: [WriteError] = []
            for error in waiting {
                let result = try send(error.index)
                try DocumentWriter.check(result)
                for again in result.writeErrors.map({ $0.at(error.index) }) {
                    if again.isForLackOfCache { still.append(again) } else { left.append(again) }
                }
            }
            waiting = still
        }
        return left + waiting
    }
}
