/// What a connection string says and libmongoc does not do, with a word in its log and no error.
public struct IgnoredOption: Sendable, Equatable {
    public enum Fault: Sendable, Equatable {
        /// There is no option of this name.
        case unknown
        /// It has no value.
        case empty
        /// It has a value, or one of several, that means nothing.
        case meaningless
        /// An earlier one of the same name: the last counts.
        case repeated
    }

    /// As the connection string has it; nil where it may be a part of a secret that was not percent-encoded.
    public let name: String?
    public let fault: Fault

    public init(name: String?, fault: Fault) {
        self.name = name
        self.fault = fault
    }
}

extension IgnoredOption {
    /// - Parameters:
    ///   - complaint: of libmongoc's log.
    ///   - text: the connection string.
    /// - Returns: nil where the complaint is about nothing that was ignored, such as a boolean in an old spelling.
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

    /// The library says names in lower case.
    private static func spelling(of name: String, in text: String) -> String? {
        var hasSecret = false
        for option in ConnectionString.options(of: text) {
            let spelling = option.prefix { $0 != "=" }
            if spelling.lowercased() == name {
                // An & in a secret ends it, and what follows is taken for an option.
                return hasSecret && !ConnectionString.isKnown(option: name) ? nil : String(spelling)
            }
            hasSecret = hasSecret || ConnectionString.isSecret(option: spelling)
        }
        return nil
    }
}
