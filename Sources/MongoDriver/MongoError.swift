import BSON
import CLibMongoC

/// What the server or the C library refused, or why neither could be asked.
///
/// Every failure of this module is one of these. The domain and code are the C library's, labels and reply the
/// server's; families are asked with `isNetworkError` and its like, never by searching the text.
public struct MongoError: Error, Sendable, CustomStringConvertible {
    public let domain: ErrorDomain
    /// The server's code where ``domain`` is ``ErrorDomain/server``, else the C library's.
    public let code: Int
    /// The server's name for its code.
    public let codeName: String?
    /// What the server or the C library wrote, without what was being done.
    public let message: String
    /// The server's and the drivers' common labels, such as `RetryableWriteError`.
    public let labels: Set<String>
    /// The server's reply, where there was one.
    public let reply: Document?
    /// What was being done and on what: `find on insurance.customers`.
    public var context: String?

    init(
        domain: ErrorDomain, code: Int, codeName: String? = nil, message: String, labels: Set<String> = [],
        reply: Document? = nil, context: String? = nil
    ) {
        self.domain = domain
        self.code = code
        self.codeName = codeName
        self.message = message
        self.labels = labels
        self.reply = reply
        self.context = context
    }

    /// A fault found on this side of the C library.
    init(driver message: String, context: String? = nil) {
        self.init(domain: .driver, code: 0, message: message, context: context)
    }

    /// The one way from C's errors to Swift's.
    init(_ error: bson_error_t, reply: Reply? = nil, context: String? = nil) {
        self.init(error, reply: reply.flatMap { try? $0.copy() }, context: context)
    }

    init(_ error: bson_error_t, reply: Document?, context: String? = nil) {
        let reply = reply?.isEmpty == true ? nil : reply
        let domain = ErrorDomain(rawValue: error.domain) ?? .unknown
        // C cuts its text at 500 bytes; the reply has the whole of it.
        let fullText = domain == .server ? reply?["errmsg"]?.string : nil
        self.init(
            domain: domain, code: Int(error.code),
            codeName: (reply?["codeName"] ?? reply?["writeConcernError"]?.document?["codeName"])?.string,
            message: fullText ?? error.text, labels: Self.labels(in: reply), reply: reply, context: context)
    }

    private static func labels(in reply: Document?) -> Set<String> {
        let lists = [reply, reply?["writeConcernError"]?.document].compactMap { $0?["errorLabels"]?.array }
        return Set(lists.joined().compactMap(\.string))
    }

    /// What was being done, what went wrong, and the server's name and number for it.
    public var description: String { (context.map { $0 + ": " } ?? "") + reason }

    private var reason: String {
        if isServerSelection {
            let causes = hostCauses
            return "no suitable server answered: " + (causes.isEmpty ? message : causes.joined(separator: "; "))
        }
        if isAuthentication {
            return "user or password refused: \(message) "
                + "(the user is looked for in the connection string's database, unless it says authSource)"
        }
        guard domain == .server || domain == .writeConcern else { return message }
        // The server repeats the whole command after this, signatures and all.
        let command = isUnauthorized ? message.firstRange(of: " to execute command") : nil
        let text = command.map { String(message[..<$0.lowerBound]) } ?? message
        let name = (codeName ?? ServerCode.names[code]).map { "\($0), " } ?? ""
        return text + " (\(name)code \(code))"
    }

    /// For each server that could not be used, why, as the C library puts it: `connection refused calling hello on
    /// 'localhost:27017'`. Only where ``isServerSelection``.
    public var hostCauses: [String] {
        guard isServerSelection, let first = message.firstIndex(of: "["), let last = message.lastIndex(of: "]") else {
            return []
        }
        // "[cause one] [cause two]"; an IPv6 host has brackets of its own.
        return message[message.index(after: first)..<last].split(separator: "] [").map(String.init)
    }
}

extension bson_error_t {
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
