import CLibMongoC
import Synchronization

/// What the C library has to say beside its errors: warnings about a connection string's options, mostly.
///
/// Nothing of it reaches the terminal. It is dropped unless somebody listens.
enum DriverLog {
    /// The library calls its handler under a lock of its own: nothing may be done there but to keep the text.
    private final class Texts: Sendable {
        let all = Mutex<[String]>([])
    }

    /// Of this thread: the library's handler is the process's, and is called on the thread that has something to say.
    @TaskLocal private static var listener: Texts?

    /// What `body` returns, and what the library said on this thread meanwhile, warnings and worse.
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
