import CLibMongoC
import Synchronization

/// What the C library logs besides its errors: mostly warnings about a connection string's options.
///
/// None of it reaches the terminal. Messages are dropped unless somebody listens.
enum DriverLog {
    /// The library calls its handler while holding a lock of its own: the handler may do nothing but store the text.
    private final class Texts: Sendable {
        let all = Mutex<[String]>([])
    }

    /// Per thread: the library's handler is global to the process and is called on the thread that logs.
    @TaskLocal private static var listener: Texts?

    /// Returns what `body` returns, and the warnings and errors that the library logged on this thread meanwhile.
    static func listening<Result>(to body: () throws -> Result) rethrows -> (result: Result, texts: [String]) {
        let texts = Texts()
        let result = try $listener.withValue(texts, operation: body)
        return (result, texts.all.withLock { $0 })
    }

    static func receive(_ level: mongoc_log_level_t, _ text: UnsafePointer<CChar>?) {
        guard let listener, let text, level.rawValue <= MONGOC_LOG_LEVEL_WARNING.rawValue else { return }
        let message = String(cString: text)
        listener.all.withLock { $0.append(message) }
    }
}
