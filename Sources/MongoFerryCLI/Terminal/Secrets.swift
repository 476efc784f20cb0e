import BSON
import BackupFile
import Foundation
import MongoDriver
import MongoFerry

/// Hides the passwords of addresses on the command line: if one is in the wrong place, messages would quote it.
enum Secrets {
    private static let shown: [(secret: String, text: String)] = zip(
        CommandLine.arguments.dropFirst(), CommandLine.arguments
    ).flatMap { replacements($0, behind: $1) }.flatMap(inEveryForm)

    /// The secret as it is, and as reports contain it: escaped for JSON and for HTML.
    private static func inEveryForm(_ found: (secret: String, text: String)) -> [(secret: String, text: String)] {
        let forms: [(String) -> String] = [
            { $0 }, { String(JSONText.string($0).dropFirst().dropLast()) }, { $0.escapedForPages },
        ]
        return forms.map { ($0(found.secret), $0(found.text)) }
    }

    /// Options whose values are the names of collections.
    private static let optionsOfNames: Set = ["-c", "--collection", "--exclude", "--rename"]

    private static func replacements(
        _ argument: String, behind previous: String
    ) -> [(secret: String, text: String)] {
        // For `--uri=…` the value, too; the whole first, since it is longer.
        let parts = argument.cut(at: "=")
        let isName = optionsOfNames.contains(previous) || optionsOfNames.contains(String(parts?.0 ?? ""))
        return [argument, String(parts?.behind ?? "")].flatMap { text -> [(secret: String, text: String)] in
            guard
                text.containsScalars("://")
                    || !isName && isAddressWithoutScheme(text) && !isPath(text)
            else { return [] }
            let redacted = ConnectionString.redact(text)
            if redacted != text { return [(text, redacted)] + [credentials(in: text)].compactMap(\.self) }
            // An address that is cut off before the host: what is in the place of a port is not one, but a password.
            guard
                let start = text.firstRange(of: /mongodb(\+srv)?:\/\/[^\/?:]*:(?=\D)/.matchingSemantics(.unicodeScalar))
            else { return [] }
            return [(text, text[..<start.upperBound] + ConnectionString.hidden)]
        }
    }

    /// User and password by themselves: messages about a path quote parts of it.
    private static func credentials(in text: String) -> (secret: String, text: String)? {
        let scalars = text.unicodeScalars
        let start = scalars.firstRange(of: "//".unicodeScalars)?.upperBound ?? text.startIndex
        guard let at = scalars.lastIndex(of: "@"), start < at,
            let (_, password) = text[start..<at].cut(at: ":"), !password.isEmpty
        else { return nil }
        return (":\(password)@", ":\(ConnectionString.hidden)@")
    }

    /// Whether it looks like `ann:secret@host`; not the file `a@b 10:30.csv`, nor a query that contains an e-mail
    /// address.
    private static func isAddressWithoutScheme(_ text: String) -> Bool {
        let user = text[..<(text.unicodeScalars.lastIndex(of: "@") ?? text.startIndex)]
        let isQuery = text.hasScalarSuffix("}") && text.unicodeScalars.contains("{")
        return user.unicodeScalars.contains(":") && !isQuery
    }

    /// Whether it is the path of a file: files may look like addresses, too.
    private static func isPath(_ text: String) -> Bool {
        var status = stat()
        let hasUser = text.hasScalarPrefix("//") && text.unicodeScalars.contains("@")
        return ["/", "./", "../"].contains { text.hasScalarPrefix($0) } && !hasUser || lstat(text, &status) == 0
    }

    /// The text with the passwords of these addresses hidden.
    static func hidden(in text: String) -> String {
        shown.reduce(text) { $0.containsScalars($1.secret) ? $0.replacingScalars($1.secret, with: $1.text) : $0 }
    }
}
