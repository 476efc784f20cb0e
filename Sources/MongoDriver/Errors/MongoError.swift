import BSON
import CLibMongoC

/// An error of the server or the C library, or the reason why neither could be asked.
///
/// Domain and code are the C library's, labels and reply the server's. To tell kinds of errors apart, use
/// `isNetworkError` and the like, never the text.
public struct MongoError: Error, Sendable, CustomStringConvertible {
    public let domain: ErrorDomain
    /// The server's code if ``domain`` is ``ErrorDomain/server``, otherwise the C library's.
    public let code: Int
    /// The server's name for the code.
    public let codeName: String?
    /// The server's or the C library's text, without ``context``.
    public let message: String
    /// The error labels that server and drivers share, such as `RetryableWriteError`.
    public let labels: Set<String>
    /// The server's reply, if there was one.
    public let reply: Document?
    public var context: Context?

    init(
        domain: ErrorDomain, code: Int, codeName: String? = nil, message: String, labels: Set<String> = [],
        reply: Document? = nil, context: Context? = nil
    ) {
        self.domain = domain
        self.code = code
        self.codeName = codeName
        self.message = message
        self.labels = labels
        self.reply = reply
        self.context = context
    }

    /// An error found on this side of the C library.
    init(driver message: String, context: Context? = nil) {
        self.init(domain: .driver, code: 0, message: message, context: context)
    }

    /// Converts a C error.
    init(_ error: bson_error_t, reply: Reply? = nil, context: Context? = nil) {
        self.init(error, reply: reply.flatMap { try? $0.copy() }, context: context)
    }

    init(_ error: bson_error_t, reply: Document?, context: Context? = nil) {
        let reply = reply?.isEmpty == true ? nil : reply
        let domain = ErrorDomain(rawValue: error.domain) ?? .unknown
        // The C library truncates its text at 500 bytes; the reply has the full text.
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

    /// What was being done, what went wrong, and the server's name and number for the error.
    public var description: String { (context.map { "\($0): " } ?? "") + reason }

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
        // After this, the server repeats the whole command, signatures included.
        let command = isUnauthorized ? message.firstRange(of: " to execute command") : nil
        let text = command.map { String(message[..<$0.lowerBound]) } ?? message
        let name = (codeName ?? ServerCode(rawValue: code)?.name).map { "\($0), " } ?? ""
        return text + " (\(name)code \(code))"
    }

    /// For each server that could not be used, the reason in the C library's words:
    /// `connection refused calling hello on 'localhost:27017'`. Empty unless ``isServerSelection``.
    public var hostCauses: [String] {
        guard isServerSelection, let first = message.firstIndex(of: "["), let last = message.lastIndex(of: "]") else {
            return []
        }
        // "[cause one] [cause two]"; IPv6 hosts contain brackets, too.
        return message[message.index(after: first)..<last].split(separator: "] [").map(String.init)
    }
}

extension bson_error_t {
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
