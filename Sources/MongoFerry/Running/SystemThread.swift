import MongoDriver

/// A thread for blocking work, whose error says what to do where the system makes none.
package enum SystemThread {
    /// Runs `body` on a thread of its own, which nobody joins.
    /// - Throws: ``FerryError`` where the system makes no thread; `body` is not run then.
    package static func start(_ body: @escaping @Sendable () -> Void) throws(FerryError) {
        try start(stackSize: DetachedThread.stackSize, body)
    }

    static func start(stackSize: Int, _ body: @escaping @Sendable () -> Void) throws(FerryError) {
        do throws(DetachedThread.Refusal) {
            try DetachedThread.start(stackSize: stackSize, body)
        } catch {
            throw FerryError(error.text, advice: ["Fewer --jobs take fewer."])
        }
    }
}
