/// A connection string that names another database than the given one.
///
/// The database in the path is also where users are looked up, unless `authSource` says otherwise: so that is said
/// where it would change.
enum DatabaseURI {
    private static let externalMechanisms = ["mongodb-x509", "mongodb-aws", "mongodb-oidc", "gssapi", "plain"]

    static func text(_ uri: String, database: String) -> String {
        guard let scheme = uri.range(of: "://") else { return uri }
        let rest = uri[scheme.upperBound...]
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        let tail = rest[authorityEnd...]
        let optionsStart = tail.firstIndex(of: "?")
        let path = tail[..<(optionsStart ?? tail.endIndex)].drop { $0 == "/" }
        var options = optionsStart.map { String(tail[tail.index(after: $0)...]) } ?? ""
        if authority.contains("@"), !hasOption("authsource", options) {
            if let source = authSource(path: path, options: options, isLookedUp: uri.hasPrefix("mongodb+srv")) {
                options += (options.isEmpty ? "" : "&") + "authSource=\(source)"
            }
        }
        return uri[..<scheme.upperBound] + authority + "/" + database + (options.isEmpty ? "" : "?\(options)")
    }

    private static func authSource(path: Substring, options: String, isLookedUp: Bool) -> String? {
        if !path.isEmpty { return String(path) }
        let mechanism = value(of: "authmechanism", options)?.lowercased()
        if let mechanism, externalMechanisms.contains(mechanism) { return "$external" }
        // A looked-up address may have its authSource in its own record.
        return isLookedUp ? nil : "admin"
    }

    private static func hasOption(_ name: String, _ options: String) -> Bool { value(of: name, options) != nil }

    private static func value(of name: String, _ options: String) -> Substring? {
        for option in options.split(separator: "&") {
            let parts = option.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return parts[1] }
        }
        return nil
    }
}
