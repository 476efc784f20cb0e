#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file operation that the operating system refused.
public struct FileError: Error, Sendable, CustomStringConvertible {
    public let path: String
    /// What was being done: "open", "write", "rename".
    public let operation: String
    /// The system's error number.
    public let code: Int32
    /// What to do about it, if that can be said.
    public let advice: String?

    init(_ operation: String, _ path: String, code: Int32 = errno, advice: String? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.advice = advice ?? Self.usualAdvice(code)
    }

    private static func usualAdvice(_ code: Int32) -> String? {
        switch code {
        case ENOSPC, EDQUOT: "The disk is full: free some room or write elsewhere."
        case EFBIG: "The file is larger than the file system or a limit (ulimit -f) allows."
        case EPIPE: "The program that reads the output has gone."
        default: nil
        }
    }

    /// What could not be done, and why: ``description`` without ``advice``.
    public var text: String { "\(path): cannot \(operation): \(String(cString: strerror(code)))" }

    public var description: String { advice.map { "\(text)\n  \($0)" } ?? text }
}
