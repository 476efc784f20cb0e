/// A configuration that cannot be used, with the place and the way out.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let file: String
    /// From 1; nil where it is not known.
    public let line: Int?
    /// From 1, in characters; nil where it is not known.
    public let column: Int?
    /// The key that is wrong, or whose value is.
    public let key: String?
    public let problem: String
    /// What could stand there.
    public let expected: String?
    /// The nearest thing that would be right.
    public let suggestion: String?

    init(
        file: String, line: Int? = nil, column: Int? = nil, key: String? = nil, _ problem: String,
        expected: String? = nil, suggestion: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.problem = problem
        self.expected = expected
        self.suggestion = suggestion
    }

    /// The same where another name is the nearest.
    func suggesting(_ name: String?) -> ConfigurationError {
        ConfigurationError(
            file: file, line: line, column: column, key: key, problem, expected: expected, suggestion: name)
    }

    /// One line: file, line, what is wrong, what was expected, what may have been meant.
    public var description: String {
        var text = file
        if let line { text += ", line \(line)" }
        text += ": \(problem)"
        if let expected { text += "; expected \(expected)" }
        if let suggestion { text += ". Did you mean '\(suggestion)'?" }
        return text.oneLine
    }
}
