import Foundation
import MongoDriver

/// A thread for blocking work, whose error says what to do where the system makes none.
package enum SystemThread {
    /// Room for the deepest document that a server stores, walked by recursion.
    private static let stackSize = 8 << 20

    /// Runs `body` on a thread of its own, which nobody joins.
    /// - Throws: ``FerryError`` where the system makes no thread; `body` is not run then.
    package static func start(_ body: @escaping @Sendable () -> Void) throws(FerryError) {
        try start(stackSize: stackSize, body)
    }

    static func start(stackSize: Int, _ body: @escaping @Sendable () -> Void) throws(FerryError) {
        let code = DetachedThread.start(stackSize: stackSize, body)
        guard code != 0 else { return }
        throw FerryError("cannot start a thread: \(String(cString: strerror(code)))", advice: [advice])
    }

    static let advice =
        "The system or a limit (ulimit -u, ulimit -v, a container's pids limit) allows no more of them: fewer --jobs take "
        + "fewer."
}
