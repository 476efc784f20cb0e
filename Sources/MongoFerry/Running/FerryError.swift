/// Why an operation could not be done, in words for the person who started it.
public struct FerryError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The command was used wrongly: exit status 64.
        case usage
        /// It could not be done: exit status 1.
        case failed
        /// The data have faults: exit status 2.
        case data
        /// Somebody wanted it to stop: exit status 130. Where nothing was written yet, that is a `CancellationError`.
        case interrupted
    }

    public var kind: Kind
    /// One line that can be searched for.
    public var text: String
    /// What became of the data, and what to do next.
    public var details: [String]

    public init(_ text: String, kind: Kind = .failed, details: [String] = []) {
        self.kind = kind
        self.text = text
        self.details = details
    }

    public var description: String { ([text] + details.map { "  \($0)" }).joined(separator: "\n") }
}
