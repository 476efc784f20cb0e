@testable import MongoFerry

/// Threads that may wait for each other for ever.
enum Waiting {
    /// Returns whether `body` ends within a minute, many times what it takes.
    /// - Parameter stop: ends it otherwise, so that it is one test that fails and not the run that hangs.
    /// - Throws: what `body` throws.
    static func ends(_ stop: () -> Void, _ body: @escaping @Sendable () throws -> Void) throws -> Bool {
        let answer = try ThreadAnswer(of: body)
        guard let outcome = answer.wait(seconds: 60) else {
            stop()
            return false
        }
        try outcome.get()
        return true
    }
}
