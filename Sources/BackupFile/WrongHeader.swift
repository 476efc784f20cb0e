/// What to do about a first line that is not the column header, though it may have been one.
enum WrongHeader {
    private static let usual = "A backup is a CSV of two columns whose first row says collection,data."

    /// - Parameter text: the line, or its beginning.
    static func advice(_ text: String) -> String {
        let line = text.trimmed
        if line.hasPrefix("{") || line.hasPrefix("[") {
            return "\(usual) This looks like JSON, as mongoexport writes it: mongoimport reads it."
        }
        for (separator, name) in [(";" as Character, "semicolons"), ("\t", "tabs")]
        where isHeader(fields(of: line, separator)) {
            return "The columns are separated by \(name): save the file with commas."
        }
        let fields = fields(of: line, ",")
        let filled = fields.prefix { !$0.isEmpty }
        if filled.count < fields.count, isHeader(Array(filled)) {
            return
                "\(usual) Empty columns were added, as spreadsheets do: `sed 's/\\(,\"\\{0,2\\}\\)*$//'` removes them."
        }
        if isHeader(fields.map { $0.lowercased() }) { return "\(usual) Write it in small letters." }
        if isHeader(fields.reversed()) { return "\(usual) Here they are in the other order." }
        return usual
    }

    private static func isHeader(_ fields: [String]) -> Bool { fields == ["collection", "data"] }

    private static func fields(of line: String, _ separator: Character) -> [String] {
        line.split(separator: separator, omittingEmptySubsequences: false).map {
            String($0.trimmed.trimmingQuotes)
        }
    }
}

extension StringProtocol {
    /// Without the quotes around it, if it has both.
    var trimmingQuotes: Substring {
        count >= 2 && hasPrefix("\"") && hasSuffix("\"") ? Substring(dropFirst().dropLast()) : Substring(self)
    }
}
