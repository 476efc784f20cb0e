import CLibMongoC
import Synchronization

/// What the C library has to say beside its errors: warnings about a connection string's options, mostly.
///
/// Nothing of it reaches the terminal by itself. It is dropped until a handler is set.
public enum DriverLog {
    public enum Level: Int, Sendable, Comparable {
        case error, critical, warning, message, info, debug, trace

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public typealias Handler = @Sendable (_ level: Level, _ text: String) -> Void

    private static let handler = Mutex<Handler?>(nil)

    /// Sets where the texts go; nil drops them.
    ///
    /// The handler is called on any thread, also on the library's own, one call at a time and under the library's
    /// lock: it must be quick and must not use the driver.
    public static func setHandler(_ newHandler: Handler?) {
        handler.withLock { $0 = newHandler }
    }

    static func receive(_ level: mongoc_log_level_t, _ domain: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?) {
        guard let handler = handler.withLock({ $0 }), let text else { return }
        let prefix = domain.map { String(cString: $0) + ": " } ?? ""
        handler(Level(rawValue: Int(level.rawValue)) ?? .trace, prefix + String(cString: text))
    }
}
