import BSON

/// A problem in a configuration, with its place and how to fix it.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let file: String
    /// Counted from 1; nil if unknown.
    public let line: Int?
    /// Counted in characters from 1; nil if unknown.
    public let column: Int?
    /// The key that is wrong, or whose value is wrong.
    public let key: String?
    public let problem: String
    /// What would be valid there.
    public let expected: String?
    /// The nearest valid alternative.
    public let suggestion: String?

    /// Connection strings may have passwords, so a problem that quotes one does not show it.
    init(
        file: String, line: Int? = nil, column: Int? = nil, key: String? = nil, _ problem: String,
        expected: String? = nil, suggestion: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.expected = expected
        let isAddress = [key, problem, suggestion].contains { $0?.hasConnectionString == true }
        self.key = isAddress ? nil : key
        self.problem = isAddress ? "a connection string has no place here; --uri-file takes a file with one" : problem
        self.suggestion = isAddress ? nil : suggestion
    }

    /// The same error with another suggestion.
    func suggesting(_ name: String?) -> ConfigurationError {
        ConfigurationError(
            file: file, line: line, column: column, key: key, problem, expected: expected, suggestion: name)
    }

    /// One line: the file, the line, the problem, what was expected, and the suggestion.
    public var description: String {
        var text = file
        if let line { text += ", line \(line)" }
        text += ": \(problem)"
        if let expected { text += "; expected \(expected)" }
        if let suggestion { text += ". Did you mean '\(suggestion)'?" }
        return text.oneLine
    }
}
