import Yams

extension ConfigurationParser {
    /// The node tree of a YAML text; nil if it is empty.
    func compose(_ yaml: String) throws(ConfigurationError) -> Node? {
        try checkKeys(yaml)
        do {
            // The encoding is given so that Yams does not look for it in the environment.
            let compose = { (resolver: Resolver) in try Yams.compose(yaml: yaml, resolver, .default, .utf8) }
            // The default resolver, which distinguishes `1` from `"1"`, takes longer to set up than everything else
            // here, and only keys that look alike need it. Tags are rare enough to always use it for them.
            if yaml.utf8.contains(UInt8(ascii: "!")) { return try compose(.default) }
            do {
                return try compose(.basic)
            } catch YamlError.duplicatedKeysInMapping {
                return try compose(.default)
            }
        } catch let error as YamlError {
            throw translate(error, in: yaml)
        } catch {
            throw ConfigurationError(file: file, "not YAML: \(error)")
        }
    }

    /// If the text has many aliases, rejects keys that are aliases, lists or maps. The parser compares the keys of a
    /// map, and aliases that contain other aliases nine times each, level upon level, make keys that take forever to
    /// compare.
    private func checkKeys(_ yaml: String) throws(ConfigurationError) {
        guard yaml.utf8.contains(0x26), yaml.matches(of: /(?:^|[\s{\[,:\-])\*[^\s,\[\]{}]/).count > 24 else { return }
        let key = /(?:^|[\s{\[,\-])\?\s|\*[^\s,\[\]{}]+\s*:(?:\s|$)|[\]}]\s*:(?:\s|$)/
        for (index, line) in yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        where !line.drop(while: { $0 == " " }).hasPrefix("#") && line.contains(key) {
            throw ConfigurationError(
                file: file, line: index + 1, "a key is an alias, a list or a map", expected: "a name")
        }
    }

    private func translate(_ error: YamlError, in yaml: String) -> ConfigurationError {
        switch error {
        case .duplicatedKeysInMapping(let duplicates, let context):
            let read = duplicates.first ?? ""
            let key = self.yaml.restored(read)
            let second = secondLine(of: read, after: context.mark, in: yaml)
            return ConfigurationError(
                file: file, line: second ?? context.mark.line, column: context.mark.column, key: key,
                "duplicate key '\(key)'" + (second == nil ? "" : ", first on line \(context.mark.line)"),
                expected: "each key once")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            let line = lines.indices.contains(mark.line - 1) ? lines[mark.line - 1] : ""
            let hint: String? =
                if line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
                    "blanks before the text of a line, since YAML takes no tabs there"
                } else if problem.contains("nesting level") {
                    "a map of collections, five levels deep at most"
                } else if line.contains("[]") {
                    "quotes around a path with [] where it stands inside { }"
                } else {
                    nil
                }
            // The parser's own words name a function of its library.
            let said = problem.contains("nesting level") ? "it is nested too deeply" : problem
            return syntaxError(said, line: mark.line, column: mark.column, expected: hint)
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

    /// The line of a key's second occurrence in block style; the parser reports only the first.
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
