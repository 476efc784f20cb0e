/// Swift's own versions of these compare grapheme clusters: to them, `#` before a keycap mark, or `"` before an accent
/// or a skin tone, is a different character, which they miss. Names and texts from outside must be examined scalar by
/// scalar.
extension StringProtocol {
    public func hasScalarPrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    public func hasScalarSuffix(_ suffix: String) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }

    /// The text after a prefix; nil if the text does not begin with it.
    public func behindScalarPrefix(_ prefix: String) -> String? {
        guard hasScalarPrefix(prefix) else { return nil }
        return String(String.UnicodeScalarView(unicodeScalars.dropFirst(prefix.unicodeScalars.count)))
    }

    public func containsScalars(_ part: String) -> Bool { unicodeScalars.firstRange(of: part.unicodeScalars) != nil }

    public func replacingScalars(_ old: String, with new: String) -> String {
        String(String(self).unicodeScalars.replacing(old.unicodeScalars, with: new.unicodeScalars))
    }

    public func replacingScalar(_ old: Unicode.Scalar, with new: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar == old { result.append(contentsOf: new.unicodeScalars) } else { result.append(scalar) }
        }
        return String(result)
    }

    /// The text before and after the first such scalar; nil if there is none.
    public func cut(at scalar: Unicode.Scalar) -> (before: SubSequence, behind: SubSequence)? {
        guard let place = unicodeScalars.firstIndex(of: scalar) else { return nil }
        return (self[..<place], self[unicodeScalars.index(after: place)...])
    }

    /// The parts between such scalars, including empty ones.
    public func parts(between scalar: Unicode.Scalar) -> [String] {
        unicodeScalars.split(separator: scalar, omittingEmptySubsequences: false).map {
            String(String.UnicodeScalarView($0))
        }
    }

    /// The index after the last such scalar; the start index if there is none.
    public func placeBehindLast(_ scalar: Unicode.Scalar) -> Index {
        unicodeScalars.lastIndex(of: scalar).map { unicodeScalars.index(after: $0) } ?? startIndex
    }
}

extension String {
    /// How connection strings begin.
    public static let connectionStringSchemes = ["mongodb://", "mongodb+srv://"]

    /// Whether the text contains a connection string, which may have a password.
    public var hasConnectionString: Bool { Self.connectionStringSchemes.contains { containsScalars($0) } }
}
