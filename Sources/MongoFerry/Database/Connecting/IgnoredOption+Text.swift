import MongoDriver
import Relations

extension IgnoredOption {
    /// The warning that is issued while an operation runs, and in its report.
    var warning: String { "\(phrase)\(fault == .repeated ? "" : ", and is ignored").\(hint)" }

    /// The error for an option that may be meant to protect the connection; nil for others.
    ///
    /// Without an option that encrypts or authenticates, password and data would be readable on the network, or go to
    /// somebody else: a warning is not enough for that.
    var refusal: FerryError? {
        guard let name, Self.protects(name) || fault == .unknown && nearest.map(Self.protects) == true else {
            return nil
        }
        return FerryError(
            "\(phrase).\(hint)", kind: .usage,
            advice: ["What may be meant to protect the connection is not passed over: mend it, or leave it out."])
    }

    private var phrase: String {
        let library = "libmongoc \(LibraryVersion.libmongoc)"
        let what =
            switch (fault, name?.oneLine) {
            case (.unknown, let name?): "'\(name)' is not an option of \(library)"
            case (.empty, let name?): "'\(name)' has no value"
            case (.meaningless, let name?): "a value of '\(name)' is not one that \(library) takes"
            case (.repeated, let name?): "'\(name)' stands there more than once: only the last counts"
            case (_, nil): "something behind a secret value is not an option of \(library)"
            }
        return "\(ConnectionString.errorContext): \(what)"
    }

    private var hint: String {
        if name == nil { return " An & that belongs to the value is written %26." }
        return nearest.map { " Did you mean '\($0)'?" } ?? ""
    }

    private var nearest: String? {
        guard fault == .unknown, let name else { return nil }
        // `ssl`, the old name of `tls`, may be as near to the misspelt name, but is never the better advice.
        let names = ConnectionString.optionNames.filter { $0 != "ssl" }
        let near = [names, ["ssl"]].lazy.compactMap { NearestName.nearest(to: Self.withoutBlanks(name), among: $0) }
            .first
        return near?.lowercased() == name.lowercased() ? nil : near
    }

    private static func protects(_ name: String) -> Bool {
        let name = withoutBlanks(name).lowercased()
        return ["tls", "ssl", "auth"].contains(where: name.hasPrefix)
    }

    private static func withoutBlanks(_ name: String) -> String {
        name.replacing("%20", with: "").filter { !$0.isWhitespace }
    }
}

extension Target {
    /// The warnings of the connection string's ignored options: every operation issues them when it starts, and in its
    /// report.
    public var warnings: [String] { connectionString.ignored.map(\.warning) }
}

extension OperationContext {
    /// Warns of a connection string's ignored options.
    func warnOfIgnoredOptions(_ target: Target) { for text in target.warnings { warning(text) } }
}
