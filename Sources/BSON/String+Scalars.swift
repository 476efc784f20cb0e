/// Swift's own of these go by characters as people see them. To them `#` before a keycap's mark, or `"` before an accent or a
/// skin tone, is another character, and they pass over it. Names and texts from outside are looked at scalar by scalar.
extension StringProtocol {
    public func hasScalarPrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    public func hasScalarSuffix(_ suffix: String) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }

    /// What stands behind a beginning; nil where it begins otherwise.
    public func behindScalarPrefix(_ prefix: String) -> String? {
        guard hasScalarPrefix(prefix) else { return nil }
        return String(String.UnicodeScalarView(unicodeScalars.dropFirst(prefix.unicodeScalars.count)))
    }

    public func replacingScalar(_ old: Unicode.Scalar, with new: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar == old { result.append(contentsOf: new.unicodeScalars) } else { result.append(scalar) }
        }
        return String(result)
    }

    /// What stands before and behind the first of such scalars; nil where there is none.
    public func cut(at scalar: Unicode.Scalar) -> (before: SubSequence, behind: SubSequence)? {
        guard let place = unicodeScalars.firstIndex(of: scalar) else { return nil }
        return (self[..<place], self[unicodeScalars.index(after: place)...])
    }

    /// What stands between such scalars, empty parts too.
    public func parts(between scalar: Unicode.Scalar) -> [String] {
        unicodeScalars.split(separator: scalar, omittingEmptySubsequences: false).map {
            String(String.UnicodeScalarView($0))
        }
    }

    /// The place behind the last of such scalars, the beginning where there is none.
    public func placeBehindLast(_ scalar: Unicode.Scalar) -> Index {
        unicodeScalars.lastIndex(of: scalar).map { unicodeScalars.index(after: $0) } ?? startIndex
    }
}
