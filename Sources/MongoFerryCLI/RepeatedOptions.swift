import MongoFerry

/// Detects an option that is given twice with different values, where the last one would win silently: a command edited
/// at night would go to the wrong database.
enum RepeatedOptions {
    /// The options that take one value. Others may be repeated, or are checked elsewhere.
    private static let names: [String: String] = [
        "--db": "--db", "-d": "--db", "--uri": "--uri", "--uri-file": "--uri-file", "--config": "--config",
        "--mode": "--mode",
        "--output": "--output", "--out": "--output", "-o": "--output", "--json": "--json",
        "--consistency": "--consistency",
        "--jobs": "--jobs", "--max-rejects": "--max-rejects", "--upsert-keys": "--upsert-keys", "--format": "--format",
        "--graph": "--graph", "--log-level": "--log-level",
    ]

    /// - Parameter arguments: all arguments of the program, its own name first, which the parser has accepted.
    /// - Throws: ``FerryError`` of wrong usage, which does not quote the values: they may be connection strings.
    static func check(_ arguments: [String]) throws {
        var values: [String: String] = [:]
        for (index, argument) in arguments.enumerated().dropFirst() {
            if argument == "--" { return }
            let (name, attached) = argument.cut(at: "=").map { (String($0), String($1)) } ?? (argument, nil)
            guard let option = names[name] else { continue }
            let next = arguments.indices.contains(index + 1) ? arguments[index + 1] : ""
            let value = attached ?? next
            guard let before = values.updateValue(value, forKey: option), before != value else { continue }
            throw FerryError(
                "\(option) is given twice, with different values", kind: .usage, advice: ["Leave one of them out."])
        }
    }
}
