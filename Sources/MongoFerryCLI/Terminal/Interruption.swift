import Foundation
import MongoFerry
import Synchronization

/// Ctrl-C once stops cleanly, twice at once.
enum Interruption {
    static let cancellation = Cancellation()
    private static let count = Atomic<Int>(0)

    static func listen() {
        // Made before a signal can come: a handler must not be the first to touch them.
        _ = cancellation.isCancelled
        _ = count.load(ordering: .relaxed)
        let handler: @convention(c) (Int32) -> Void = { _ in Interruption.arrived() }
        signal(SIGINT, handler)
        signal(SIGTERM, handler)
    }

    private static func arrived() {
        if count.add(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
        cancellation.cancel()
    }
}
