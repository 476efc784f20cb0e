import BSON
import CLibMongoC

/// A validated `mongodb://` or `mongodb+srv://` address.
///
/// Its description is the redacted form, as is what a debugger or `dump` shows, so that the password does not end up in
/// a log by accident.
public struct ConnectionString: Sendable, CustomStringConvertible {
    /// The full text, including the password.
    private let text: String

    /// The database it names, if any.
    public let database: String?
    /// Each as `host:port`; for `mongodb+srv`, the one name to look up.
    public let hosts: [String]
    public let username: String?
    public let replicaSet: String?
    /// Whether it says `directConnection=true`: only the named server is used, whatever its role.
    public let isDirect: Bool
    public let applicationName: String?
    public let readConcern: ReadConcern?
    /// What `w`, `journal` and `wtimeoutMS` say; nil if none is given.
    public let writeConcern: WriteConcern?
    public let retriesReads: Bool
    public let usesTLS: Bool
    /// Whether it contains the password of an encrypted private key.
    public let hasKeyPassword: Bool
    /// The user's authentication database.
    public let authSource: String?
    /// The files that it refers to: option and path.
    public let files: [(option: String, path: String)]
    /// The options that have no effect.
    public let ignored: [IgnoredOption]
    /// The text with password and secret options replaced by `***`.
    public let redacted: String

    /// - Throws: ``MongoError`` saying what is wrong. Its text never contains the password or parts of it, even if the
    ///   password is what makes the address unreadable.
    public init(_ text: String) throws {
        LibMongoC.started
        guard !text.utf8.contains(0) else {
            throw MongoError(driver: "it contains a zero byte", context: Self.errorContext)
        }
        // libmongoc ends the password at the first `@` and takes the rest for a host, which error messages would name.
        guard !Self.hasStrayAt(text) else {
            throw MongoError(driver: Self.unescapedCharacter, context: Self.errorContext)
        }
        let (uri, complaints) = try DriverLog.listening { try URIHandle(parsing: text) }
        guard !uri.hosts.contains(where: { $0.contains("@") }) else {
            throw MongoError(driver: Self.unescapedCharacter, context: Self.errorContext)
        }
        let handle = uri.pointer
        let name = mongoc_uri_get_database(handle).map { String(cString: $0) } ?? ""
        // To libmongoc, all up to a `?` is hosts and the database's name: what was to protect the connection would be
        // left out without a word. The message must not quote it.
        guard !Self.hasOption(name), !Self.hasOption(Self.hosts(in: text)) else {
            throw MongoError(
                driver: "its options begin with ?, and what stands before that are hosts and the database's name",
                context: Self.errorContext)
        }
        // Servers say it only when something is read from them.
        let staleness = mongoc_uri_get_option_as_int32(handle, MONGOC_URI_MAXSTALENESSSECONDS, -1)
        guard staleness == -1 || staleness >= Self.leastStaleness else {
            throw MongoError(
                driver: "maxStalenessSeconds is \(staleness), and at least \(Self.leastStaleness)",
                context: Self.errorContext)
        }
        self.text = text
        redacted = Self.redact(text)
        ignored = complaints.compactMap { IgnoredOption(complaint: $0, in: text) }
        database = name.isEmpty ? nil : name
        username = mongoc_uri_get_username(handle).map { String(cString: $0) }
        replicaSet = mongoc_uri_get_replica_set(handle).map { String(cString: $0) }
        isDirect = mongoc_uri_get_option_as_bool(handle, MONGOC_URI_DIRECTCONNECTION, false)
        applicationName = mongoc_uri_get_appname(handle).map { String(cString: $0) }
        readConcern = ReadConcern(uri: handle)
        writeConcern = WriteConcern(uri: handle)
        retriesReads = mongoc_uri_get_option_as_bool(handle, MONGOC_URI_RETRYREADS, true)
        usesTLS = mongoc_uri_get_tls(handle)
        hasKeyPassword = mongoc_uri_has_option(handle, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD)
        authSource = mongoc_uri_get_auth_source(handle).map { String(cString: $0) }
        files = ["tlsCAFile", "tlsCertificateKeyFile"].compactMap { option in
            guard let path = mongoc_uri_get_option_as_utf8(handle, option.lowercased(), nil) else { return nil }
            return (option, String(cString: path))
        }
        hosts = uri.hosts
    }

    public var description: String { redacted }

    /// Whether its hosts come from a DNS record.
    public var isLookedUp: Bool { text.lowercased().hasScalarPrefix("mongodb+srv://") }

    /// Source: Server Selection specification, "maxStalenessSeconds".
    private static let leastStaleness: Int32 = 90

    public static let errorContext: MongoError.Context = "the connection string"

    /// The address of a single host, without user and replica set, to see what is there.
    /// - Throws: ``MongoError`` if no valid address results.
    public func asking(_ host: String) throws -> ConnectionString {
        // Options needed to talk to the host at all.
        let kept = Self.options(of: text).filter { option in
            ["tls", "ssl", "connecttimeoutms"].contains { option.lowercased().hasPrefix($0) }
        }
        let own = ["directConnection=true", "serverSelectionTimeoutMS=2000"]
        return try ConnectionString("mongodb://\(host)/?" + (kept + own).joined(separator: "&"))
    }

    /// Parses the text into a C object, which lives as long as the caller keeps it.
    func makeURI() throws -> URIHandle { try URIHandle(parsing: text) }
}

extension ConnectionString: CustomReflectable {
    public var customMirror: Mirror { Mirror(self, children: ["redacted": redacted], displayStyle: .struct) }
}
