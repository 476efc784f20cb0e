import Foundation
import MongoDriver

/// Addresses that stand on the command line, perhaps in the wrong place, where messages would quote them.
enum Secrets {
    private static let shown: [(secret: String, text: String)] = CommandLine.arguments.dropFirst().flatMap(replacements)

    private static func replacements(_ argument: String) -> [(secret: String, text: String)] {
        // Of `--uri=…` the value too; the whole first, since it is the longer one.
        let value = argument.firstIndex(of: "=").map { String(argument[argument.index(after: $0)...]) }
        return [argument, value ?? ""].filter { $0.contains("@") && $0.contains(":") }
            .map { ($0, ConnectionString.redact($0)) }
    }

    /// The text without the passwords of such addresses.
    static func hidden(in text: String) -> String {
        shown.reduce(text) { $0.contains($1.secret) ? $0.replacing($1.secret, with: $1.text) : $0 }
    }
}
