import CLibMongoC

/// A parsed `mongoc_uri_t`, which its one owner may change before a pool copies it.
final class URIHandle {
    let pointer: OpaquePointer

    init(parsing text: String) throws {
        var error = bson_error_t()
        guard let pointer = mongoc_uri_new_with_error(text, &error) else {
            let reason = ConnectionString.withoutSecrets(error.text, from: text)
            let rule = Self.rules[error.text].map { ": \($0)" } ?? ""
            throw MongoError(
                domain: ErrorDomain(rawValue: error.domain) ?? .unknown, code: Int(error.code), message: reason + rule,
                context: ConnectionString.errorContext)
        }
        self.pointer = pointer
    }

    /// The rules behind texts that do not say them.
    ///
    /// Source: libmongoc 1.23, mongoc-uri.c; MongoDB manual, "Connection Strings".
    private static let rules = [
        "Invalid service name in URI":
            "mongodb+srv:// takes a name that DNS has, of three parts at least, such as cluster0.example.com; a server's own name goes with mongodb://",
        "Invalid host string in URI": "a port is a number up to 65535, and an IPv6 address stands in brackets",
        "Invalid readPreferences":
            "readPreferenceTags and maxStalenessSeconds need another readPreference than primary",
    ]

    var hosts: [String] {
        if let name = mongoc_uri_get_srv_hostname(pointer) { return [String(cString: name)] }
        var hosts: [String] = []
        var next = mongoc_uri_get_hosts(pointer)
        while let host = next?.pointee {
            hosts.append(
                withUnsafeBytes(of: host.host_and_port) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
            next = UnsafePointer(host.next)
        }
        return hosts
    }

    func has(_ option: String) -> Bool { mongoc_uri_has_option(pointer, option) }

    func set(_ option: String, _ value: Int32) { _ = mongoc_uri_set_option_as_int32(pointer, option, value) }

    func setDefault(_ option: String, _ value: Int32) { if !has(option) { set(option, value) } }

    deinit { mongoc_uri_destroy(pointer) }
}
