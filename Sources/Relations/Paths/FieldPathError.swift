/// A text that is not a valid field path.
public struct FieldPathError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Hashable, Sendable {
        case empty = "it is empty"
        case missingName = "a name is missing"
        case indexInBrackets = "[] takes no index, it means every element"
        case unclosedBracket = "'[' has no ']'"
        case strayBracket = "']' has no '['"
        case textAfterBrackets = "after [] comes a dot, another [] or the end"
        case unknownEscape = "a backslash stands before '.', '[', ']' or a backslash only"
        case controlCharacter = "a zero byte cannot be in a name"
        case operatorName = "a server takes a name with '$' in front for an operator, and cannot be asked for it"
        case unaskable = "a server cannot be asked for a name that is empty or has a dot in it"
        case tooDeep = "no document is nested so deep"
        case nestedArrays = "a server cannot be asked for a value in an array that stands in an array"
    }

    public let text: String
    public let reason: Reason
    /// Counted in characters from 1.
    public let column: Int

    public var description: String {
        "bad path '\(text)': \(reason.rawValue)" + (reason == .empty ? "" : " (column \(column))")
    }
}
