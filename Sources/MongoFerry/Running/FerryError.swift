import Relations

/// Why an operation could not be done, worded for the person who started it.
public struct FerryError: Error, Sendable, CustomStringConvertible {
    /// What the error means for the command's exit status.
    public enum Kind: Sendable {
        /// The command was used wrongly: exit status 64.
        case usage
        /// The operation could not be done: exit status 1.
        case failed
        /// The data are faulty: exit status 2.
        case data
        /// The operation was asked to stop: exit status 130. If nothing had been done yet, a `CancellationError` is
        /// thrown instead.
        case interrupted
    }

    public var kind: Kind
    /// A single line that can be searched for.
    public var text: String
    /// What became of the data, and more about the cause.
    public var details: [String]
    /// What to do next, one sentence each.
    public var advice: [String]
    /// What an import had done and rejected when it stopped; nil if it stopped before either. For the collection in
    /// progress, it counts what the server had acknowledged.
    public var report: Report?

    /// What the server, the system or the reader of a backup said, if that is the cause: a ``MongoError``, a
    /// ``FileError`` or a ``BackupError``.
    public var underlying: (any Error)?

    /// The detail of an operation that changed nothing.
    static let nothingWritten = "Nothing was written."

    public init(
        _ text: String, kind: Kind = .failed, details: [String] = [], advice: [String] = [],
        underlying: (any Error)? = nil
    ) {
        self.kind = kind
        self.text = text
        self.details = details
        self.advice = advice
        self.underlying = underlying
    }

    /// Returns a copy with `detail` added, unless it is already there.
    func noting(_ detail: String) -> FerryError {
        var error = self
        if !error.details.contains(detail) { error.details.append(detail) }
        return error
    }

    /// The text and details without ``advice``, which reports show separately.
    var cause: String { Self.lines(text, details) }

    public var description: String { Self.lines(text, details + advice) }

    private static func lines(_ text: String, _ more: [String]) -> String {
        // Names that it quotes may have line ends.
        ([text] + more.map { "  \($0)" }).map(\.oneLine).joined(separator: "\n")
    }
}
