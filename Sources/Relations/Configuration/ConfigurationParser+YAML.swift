import Yams

extension ConfigurationParser {
    /// The tree of a YAML text; nil where it holds nothing.
    func compose(_ yaml: String) throws(ConfigurationError) -> Node? {
        do {
            // The encoding is said so that the parser does not look for it in the environment.
            return try Yams.compose(yaml: yaml, .default, .default, .utf8)
        } catch let error as YamlError {
            throw translate(error, in: yaml)
        } catch {
            throw ConfigurationError(file: file, "not YAML: \(error)")
        }
    }

    private func translate(_ error: YamlError, in yaml: String) -> ConfigurationError {
        switch error {
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = duplicates.first ?? ""
            let second = secondLine(of: key, after: context.mark, in: yaml)
            return ConfigurationError(
                file: file, line: second ?? context.mark.line, column: context.mark.column, key: key,
                "duplicate key '\(key)'" + (second == nil ? "" : ", first on line \(context.mark.line)"),
                expected: "each key once")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            let hasBrackets = lines.indices.contains(mark.line - 1) && lines[mark.line - 1].contains("[]")
            return syntaxError(
                problem, line: mark.line, column: mark.column,
                expected: hasBrackets ? "quotes around a path with [] where it stands inside { }" : nil)
        case .composer(_, let problem, let mark, _):
            if problem.contains("undefined alias") {
                return ConfigurationError(
                    file: file, line: mark.line, column: mark.column,
                    "a text that begins with * stands without quotes",
                    expected: "quotes around it, since YAML reads it as an alias")
            }
            return syntaxError(problem, line: mark.line, column: mark.column)
        case .reader(let problem, let offset, _, let yaml):
            let before = offset.map { yaml.prefix($0) }
            return syntaxError(problem, line: before.map { $0.count(where: \.isNewline) + 1 }, column: nil)
        default:
            return ConfigurationError(file: file, "not YAML: \(error)")
        }
    }

    private func syntaxError(
        _ problem: String, line: Int?, column: Int?, expected: String? = nil
    ) -> ConfigurationError {
        ConfigurationError(
            file: file, line: line, column: column,
            "not YAML: \(problem)" + (column.map { " at column \($0)" } ?? ""), expected: expected)
    }

    /// The line where a key stands for the second time in block style: the parser tells the first only.
    private func secondLine(of key: String, after first: Mark, in yaml: String) -> Int? {
        let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for line in lines.indices.dropFirst(first.line) {
            let indent = lines[line].prefix { $0 == " " }.count
            guard indent == first.column - 1 else { continue }
            let text = lines[line].dropFirst(indent)
            for form in [key, "\"\(key)\"", "'\(key)'"] where text.hasPrefix(form) {
                if text.dropFirst(form.count).drop(while: { $0 == " " }).first == ":" { return line + 1 }
            }
        }
        return nil
    }
}
