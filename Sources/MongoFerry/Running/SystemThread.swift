import MongoDriver

/// Starts threads for blocking work. If the system refuses one, the error says what to do.
package enum SystemThread {
    /// Runs `body` on a new thread that nobody joins.
    /// - Throws: ``FerryError`` if the system creates no thread; then `body` is not run.
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
