import MongoDriver

/// Why one server could not be used, from libmongoc's message: `connection refused calling hello on 'a:27017'`.
struct HostCause {
    /// Nil if the message names none.
    let host: String?
    /// What happened.
    let phrase: String
    /// What to do about it.
    let remedy: String

    init(_ text: String, _ connection: ConnectionString) {
        let (cause, host) = Self.parts(text)
        self.host = host
        let lower = cause.lowercased()
        if let host, !Self.isNamed(host, connection) {
            // The members of a replica set are contacted by the names that the set has for them.
            phrase = Self.plain(lower) ?? cause
            remedy =
                "The replica set calls its member \(host), which the connection string does not: that name must lead "
                + "to the server from here as well. directConnection=true goes to the named server alone."
        } else if lower.contains("connection error"),
            let doubt = CertificateFile.all(of: connection).lazy.compactMap(\.doubt).first
        {
            phrase = doubt.phrase
            remedy = doubt.remedy
        } else if lower.contains("resolve") || lower.contains("name or service") {
            // Checked before all words that the host's name may contain.
            phrase = "the host's name is not known"
            remedy = "Is it spelled right, and known to this machine?"
        } else if lower.contains("certificate") || lower.contains("tls") {
            (phrase, remedy) = Self.tls(cause)
        } else if lower.contains("apiversion parameter is required") {
            phrase =
                "the server accepts only clients that declare an API version (requireApiVersion), and mongoferry declares none"
            remedy = "Set requireApiVersion to false on the server while mongoferry works."
        } else if lower.contains("refused") {
            phrase = "connection refused"
            remedy = "Nothing listens there: is the server running, and is the port right?"
        } else if lower.contains("closed") {
            phrase = "the server closed the connection"
            remedy =
                connection.usesTLS
                ? "Is it a MongoDB server, and does it speak TLS at this port?"
                : "A server that wants TLS does that: put tls=true in the connection string. Or it is no MongoDB server."
        } else if lower.contains("invalid reply") {
            phrase = "what answers there is no MongoDB server"
            remedy = "Is the port right? MongoDB's own is 27017."
        } else if lower.contains("timeout") || lower.contains("timed out") {
            phrase = "no answer"
            remedy =
                "Check host, port and firewalls between here and there. serverSelectionTimeoutMS in the connection "
                + "string says how long to wait."
        } else {
            phrase = cause
            remedy = "Check host, port, firewall, and tls and replicaSet in the connection string."
        }
    }

    /// Separates the cause from the host at which it occurred.
    private static func parts(_ text: String) -> (cause: String, host: String?) {
        if let match = text.wholeMatch(of: /(.*?)\.? calling \w+ on '(.*)'/) {
            return (String(match.1), String(match.2))
        }
        if let match = text.firstMatch(of: /Failed to resolve '(.*)'/) { return (text, String(match.1)) }
        return (text, nil)
    }

    static func isNamed(_ host: String, _ connection: ConnectionString) -> Bool {
        // Names that do not resolve are reported without a port.
        connection.hosts.contains { $0 == host || $0.hasPrefix(host + ":") || $0.hasPrefix("[\(host)]:") }
            || connection.hosts.allSatisfy { !$0.contains(":") }
    }

    private static func plain(_ lower: String) -> String? {
        lower.contains("resolve")
            ? "the host's name is not known" : lower.contains("refused") ? "connection refused" : nil
    }

    /// libmongoc passes on OpenSSL's code and text: `certificate verify failed (64): IP address mismatch`.
    private static func tls(_ cause: String) -> (phrase: String, remedy: String) {
        let reason = cause.firstMatch(of: /verify failed \((\d+)\): (.*)/)
        guard let reason else {
            return (
                "TLS was not agreed on (\(cause))",
                "Does the server speak TLS at this port? If not, leave tls=true out of the connection string."
            )
        }
        let words = String(reason.2)
        switch Int(reason.1) {
        // Host name, e-mail address, IP address.
        case 62, 63, 64:
            return (
                "the server's TLS certificate is for another name (\(words))",
                "Connect by a name that stands in the certificate."
            )
        case 9, 10:
            return (
                "the server's TLS certificate is out of date (\(words))",
                "Renew it; and check this machine's clock."
            )
        default:
            return (
                "the server's TLS certificate is not trusted (\(words))",
                "Name its authority's certificate with tlsCAFile=FILE in the connection string."
            )
        }
    }
}
