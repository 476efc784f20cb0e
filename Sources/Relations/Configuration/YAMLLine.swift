/// A line of a configuration file with an optional comment at its end.
struct YAMLLine {
    private let content: String
    private let comment: String?
    private var width = 0

    init(_ content: String, _ comment: String? = nil) {
        self.content = content
        self.comment = comment
    }

    var text: String {
        guard let comment else { return content }
        return TextWidth.padded(content, to: width) + "  # " + comment.oneLine
    }

    /// YAML parsers accept longer keys only with an explicit `?`. Quotes and indentation count.
    private static let longestKey = 1000

    /// A key, with its value if that is on the same line.
    static func entry(
        _ indent: String, _ key: String, _ value: String? = nil, _ comment: String? = nil
    ) -> [YAMLLine] {
        let value = value.map { ": " + $0 } ?? ":"
        guard key.unicodeScalars.count > longestKey else { return [YAMLLine(indent + key + value, comment)] }
        return [YAMLLine("\(indent)? \(key)"), YAMLLine(indent + value, comment)]
    }

    /// The same lines with their comments aligned.
    static func aligned(_ lines: [YAMLLine]) -> [YAMLLine] {
        let width = lines.filter { $0.comment != nil }.map { TextWidth.columns($0.content) }.max() ?? 0
        return lines.map { line in
            var line = line
            line.width = width
            return line
        }
    }
}

extension String {
    /// The text as a YAML scalar: plain if every parser reads it as this text, otherwise in double quotes.
    var yamlScalar: String {
        let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        let isPlain =
            unicodeScalars.first.map { $0.isASCIILetter || $0 == "_" } ?? false
            && unicodeScalars.allSatisfy {
                $0.isASCIILetter || ("0"..."9").contains($0) || "_-.[]$".unicodeScalars.contains($0)
            }
        return isPlain && !words.contains(lowercased()) ? self : quoted
    }

    /// The same for use inside braces, where brackets are YAML syntax.
    var yamlFlowScalar: String { unicodeScalars.contains { $0 == "[" || $0 == "]" } ? quoted : yamlScalar }
}

extension Unicode.Scalar {
    fileprivate var isASCIILetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
}
