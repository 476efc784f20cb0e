/// Why an operation could not be done, in words for the person who started it.
public struct FerryError: Error, Sendable, CustomStringConvertible {
    /// What it means for the command's exit status.
    public enum Kind: Sendable {
        /// The command was used wrongly: exit status 64.
        case usage
        /// It could not be done: exit status 1.
        case failed
        /// The data have faults: exit status 2.
        case data
        /// Somebody wanted it to stop: exit status 130. Where nothing had been done yet, that is a `CancellationError`.
        case interrupted
    }

    public var kind: Kind
    /// One line that can be searched for.
    public var text: String
    /// What became of the data, and more about the cause.
    public var details: [String]
    /// What to do next, a sentence each.
    public var advice: [String]
    /// What an import had done and rejected when it was stopped; nil where it was stopped before either. Of the collection that was under way it counts what the server had confirmed.
    public var report: Report?

    /// Said of what has changed nothing.
    static let nothingWritten = "Nothing was written."

    public init(_ text: String, kind: Kind = .failed, details: [String] = [], advice: [String] = []) {
        self.kind = kind
        self.text = text
        self.details = details
        self.advice = advice
    }

    /// With one more detail, unless it says that already.
    func noting(_ detail: String) -> FerryError {
        var error = self
        if !error.details.contains(detail) { error.details.append(detail) }
        return error
    }

    /// Without ``advice``, which reports have in a place of its own.
    var cause: String { Self.lines(text, details) }

    public var description: String { Self.lines(text, details + advice) }

    private static func lines(_ text: String, _ more: [String]) -> String {
        ([text] + more.map { "  \($0)" }).joined(separator: "\n")
    }
}
