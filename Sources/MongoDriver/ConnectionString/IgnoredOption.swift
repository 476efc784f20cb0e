/// An option of a connection string that libmongoc ignores with a log message instead of an error.
public struct IgnoredOption: Sendable, Equatable {
    public enum Fault: Sendable, Equatable {
        /// There is no option of this name.
        case unknown
        /// It has no value.
        case empty
        /// Its value, or one of several, is not a valid one.
        case meaningless
        /// An earlier option of the same name: the last one counts.
        case repeated
    }

    /// As spelled in the connection string; nil if it may be part of a secret that was not percent-encoded.
    public let name: String?
    public let fault: Fault

    public init(name: String?, fault: Fault) {
        self.name = name
        self.fault = fault
    }
}

extension IgnoredOption {
    /// - Parameters:
    ///   - complaint: a message from libmongoc's log.
    ///   - text: the connection string.
    /// - Returns: nil if nothing was ignored, as with a boolean in an old spelling.
    init?(complaint: String, in text: String) {
        let name: Substring
        if let match = complaint.wholeMatch(of: /Unsupported URI option "(.*)"/) {
            (name, fault) = (match.1, .unknown)
        } else if let match = complaint.wholeMatch(of: /Empty value provided for "(.*)"/) {
            (name, fault) = (match.1, .empty)
        } else if let match = complaint.prefixMatch(of: /Unsupported value for "([^"]*)"/) {
            (name, fault) = (match.1, .meaningless)
        } else if complaint.hasPrefix("Unsupported compressor") {
            (name, fault) = ("compressors", .meaningless)
        } else if let match = complaint.wholeMatch(of: /Overwriting previously provided value for '(.*)'/),
            ConnectionString.isKnown(option: String(match.1))
        {
            (name, fault) = (match.1, .repeated)
        } else {
            return nil
        }
        self.name = Self.spelling(of: name.lowercased(), in: text)
    }

    /// Finds the name as spelled in the connection string: the library logs names in lower case.
    private static func spelling(of name: String, in text: String) -> String? {
        var hasSecret = false
        for option in ConnectionString.options(of: text) {
            let spelling = option.prefix { $0 != "=" }
            if spelling.lowercased() == name {
                // An unescaped & ends a secret, and what follows looks like an option.
                return hasSecret && !ConnectionString.isKnown(option: name) ? nil : String(spelling)
            }
            hasSecret = hasSecret || ConnectionString.isSecret(option: spelling)
        }
        return nil
    }
}
