import BSON

extension ConnectionString {
    /// The options of a valid connection string, each as `name=value`. The first `?` begins them, since user and
    /// password must percent-encode theirs.
    static func options(of text: String) -> [String] {
        text.cut(at: "?").map { $0.behind.parts(between: "&").filter { !$0.isEmpty } } ?? []
    }

    static func isKnown(option: String) -> Bool { lowercasedNames.contains(option.lowercased()) }

    /// The hosts and ports as they are written.
    static func hosts(in text: String) -> String {
        let scalars = text.unicodeScalars
        let start = scalars.firstRange(of: "://".unicodeScalars)?.upperBound ?? scalars.startIndex
        let authority = scalars[start...].prefix { $0 != "/" && $0 != "?" }
        return String(String.UnicodeScalarView(authority.lastIndex(of: "@").map { authority[$0...] } ?? authority))
    }

    /// Whether a host or a database's name contains what looks like an option: `shop&tls=true`.
    static func hasOption(_ name: String) -> Bool {
        let separators: [Unicode.Scalar] = ["&", ";", "#", "?", ":", " "]
        return name.unicodeScalars.split(whereSeparator: separators.contains).contains { part in
            guard let (option, _) = String(Substring.UnicodeScalarView(part)).cut(at: "=") else { return false }
            return isKnown(option: String(option)) || isSecret(option: option)
        }
    }

    /// The names of all options that libmongoc knows.
    public static let optionNames = [
        "appName", "authMechanism", "authMechanismProperties", "authSource", "canonicalizeHostname", "compressors",
        "connectTimeoutMS", "directConnection", "gssapiServiceName", "heartbeatFrequencyMS", "journal",
        "loadBalanced", "localThresholdMS", "maxIdleTimeMS", "maxPoolSize", "maxStalenessSeconds", "minPoolSize",
        "readConcernLevel", "readPreference", "readPreferenceTags", "replicaSet", "retryReads", "retryWrites",
        "safe", "serverSelectionTimeoutMS", "serverSelectionTryOnce", "socketCheckIntervalMS",
        "socketTimeoutMS", "srvMaxHosts", "srvServiceName", "ssl", "tls", "tlsAllowInvalidCertificates",
        "tlsAllowInvalidHostnames", "tlsCAFile", "tlsCertificateKeyFile", "tlsCertificateKeyFilePassword",
        "tlsDisableCertificateRevocationCheck", "tlsDisableOCSPEndpointCheck", "tlsInsecure", "w",
        "waitQueueMultiple", "waitQueueTimeoutMS", "wtimeoutMS", "zlibCompressionLevel",
    ]

    private static let lowercasedNames = Set(optionNames.map { $0.lowercased() })
}
