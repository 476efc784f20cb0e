import BSON

extension ConnectionString {
    public static let hidden = "***"

    /// Replaces the password and the values of secret options.
    ///
    /// Works on the text, not on its parsed form, so that it also serves for text that cannot be parsed.
    public static func redact(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let scheme = scalars.firstRange(of: "://".unicodeScalars) else {
            return scalars.contains("@") ? hidden : text
        }
        var rest = text[scheme.upperBound...]
        var result = String(text[..<scheme.upperBound])
        if rest.unicodeScalars.contains("@") {
            guard let at = endOfCredentials(rest, isStray: hasStrayAt(text)) else { return result + hidden }
            let credentials = rest[..<at]
            rest = rest[at...]
            if let (user, _) = credentials.cut(at: ":") { result += user + ":" + hidden } else { result += credentials }
        }
        guard let (address, options) = rest.cut(at: "?") else { return result + redactOption(String(rest)) }
        return result + redactOption(String(address)) + "?"
            + options.parts(between: "&").map(redactOption).joined(separator: "&")
    }

    /// The position of the `@` that ends user and password.
    ///
    /// An unescaped @ in the password must not end the hidden part too early: with more than one, the last one counts.
    /// - Returns: nil if nothing can be shown: the last @ may belong to a secret option, or an unescaped / or ? in the
    ///   password may have seemed to end the hosts.
    private static func endOfCredentials(_ rest: Substring, isStray: Bool) -> Substring.Index? {
        let scalars = rest.unicodeScalars
        let authority = scalars.prefix { $0 != "/" && $0 != "?" }
        guard let first = authority.lastIndex(of: "@") else { return nil }
        guard isStray, let last = scalars.lastIndex(of: "@") else { return first }
        let options = rest[..<last].cut(at: "?")?.1.parts(between: "&") ?? []
        let hasSecret = options.contains { option in option.cut(at: "=").map { isSecret(option: $0.0) } ?? false }
        return hasSecret ? nil : last
    }

    /// Hides what follows the first `=` behind a secret option's name. That is not always the option's first: options
    /// may have been separated by something else than `&`, or not from the database by `?`.
    private static func redactOption(_ option: String) -> String {
        let parts = option.parts(between: "=")
        guard let name = parts.dropLast().firstIndex(where: { isSecret(option: $0[...]) }) else { return option }
        return parts[...name].joined(separator: "=") + "=" + hidden
    }

    /// Whether its value is secret: a key file's password, or `authMechanismProperties`, which may hold a session
    /// token.
    static func isSecret(option: Substring) -> Bool {
        let name = option.lowercased()
        return secretWords.contains { name.contains($0) }
    }

    private static let secretWords = ["password", "properties", "token", "secret"]

    static let unescapedCharacter =
        "the user name or the password has a character that must be percent-encoded: % : / ? # [ ] @"

    /// Whether there is another `@` besides the one that ends user and password, so that the password may not end where
    /// it seems to.
    ///
    /// In the value of an option, an `@` is an ordinary character, unless the `?` follows the hosts without a `/`.
    static func hasStrayAt(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        guard let scheme = scalars.firstRange(of: "://".unicodeScalars) else { return false }
        let rest = scalars[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard authority.contains("@") else { return false }
        let tail = rest[end...]
        let path = tail.first == "/" ? tail.prefix { $0 != "?" } : tail
        return authority.filter { $0 == "@" }.count > 1 || path.contains("@")
    }

    /// The C library's complaint about `text`, safe to show.
    ///
    /// It quotes parts of the text, which may be parts of the password if that is what is malformed.
    static func withoutSecrets(_ complaint: String, from text: String) -> String {
        guard redact(text) != text || text.unicodeScalars.contains("@") else { return complaint }
        if complaint.hasPrefix("Password") || complaint.hasPrefix("Username") || complaint.hasPrefix("Invalid username")
        {
            return unescapedCharacter
        }
        var result = ""
        for (index, part) in complaint.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            let isQuoted = index % 2 == 1
            // The authentication source that some mechanisms require is the C library's own word.
            let isSafe = part == "$external" || isKnown(option: String(part))
            result += isQuoted ? "\"" + (isSafe ? part : "…") + "\"" : part
        }
        // One complaint uses single quotes: 'key=value'.
        return result.contains("'") && result.contains("=") ? String(result.prefix { $0 != "'" }) + "…" : result
    }
}
