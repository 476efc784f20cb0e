import BSON

extension ConnectionString {
    /// The options of a valid connection string, each as `name=value`. The first `?` begins them, since user and
    /// password must percent-encode theirs.
    static func options(of text: String) -> [String] {
        text.cut(at: "?").map { $0.behind.parts(between: "&").filter { !$0.isEmpty } } ?? []
    }

    static func isKnown(option: String) -> Bool { lowercasedNames.contains(option.lowercased()) }

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
