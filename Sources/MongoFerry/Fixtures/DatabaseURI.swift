import BSON

/// Makes a connection string name another database.
///
/// The database in the path is also where users are looked up, unless `authSource` is given: that is added where the
/// lookup would otherwise change.
enum DatabaseURI {
    /// Mechanisms whose users are in no database, whatever the path is.
    private static let externalMechanisms = ["mongodb-x509", "mongodb-aws", "mongodb-oidc", "gssapi"]

    /// - Parameter found: the `authSource` in the DNS record of a `mongodb+srv` address; nil if it was not looked up.
    static func text(_ uri: String, database: String, authSource found: String? = nil) -> String {
        guard let (scheme, rest) = uri.cut(at: "/"), rest.hasScalarPrefix("/") else { return uri }
        let behind = rest.unicodeScalars.dropFirst()
        let authorityEnd = behind.firstIndex { $0 == "/" || $0 == "?" } ?? behind.endIndex
        let authority = rest[behind.startIndex..<authorityEnd]
        let tail = rest[authorityEnd...]
        let (place, text) = tail.cut(at: "?") ?? (tail, "")
        let path = place.unicodeScalars.drop { $0 == "/" }
        var options = String(text)
        if authority.unicodeScalars.contains("@"), !hasOption("authsource", options) {
            let isLookedUp = uri.hasScalarPrefix("mongodb+srv")
            if let source = isLookedUp && found != nil ? found : authSource(String(path), options, isLookedUp) {
                options += (options.isEmpty ? "" : "&") + "authSource=\(source)"
            }
        }
        return "\(scheme)//\(authority)/\(database)" + (options.isEmpty ? "" : "?\(options)")
    }

    private static func authSource(_ path: String, _ options: String, _ isLookedUp: Bool) -> String? {
        let mechanism = value(of: "authmechanism", options)?.lowercased() ?? ""
        if externalMechanisms.contains(mechanism) { return "$external" }
        if !path.isEmpty { return path }
        if mechanism == "plain" { return "$external" }
        // A `mongodb+srv` address may have its `authSource` in its DNS record.
        return isLookedUp ? nil : "admin"
    }

    private static func hasOption(_ name: String, _ options: String) -> Bool { value(of: name, options) != nil }

    private static func value(of name: String, _ options: String) -> String? {
        for option in options.parts(between: "&") {
            if let (key, value) = option.cut(at: "="), key.lowercased() == name { return String(value) }
        }
        return nil
    }
}
