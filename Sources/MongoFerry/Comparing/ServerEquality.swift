import BSON

/// Decides which values a server treats as equal: numbers of any type, strings and symbols, and documents of such
/// values, including the scopes of code.
///
/// Collations are not considered. Source: the server's manual, "Comparison/Sort Order".
enum ServerEquality {
    static func areEqual(_ left: Value, _ right: Value) -> Bool {
        let (left, right): (Document, Document) = (["": left], ["": right])
        return left.withRaw { left in right.withRaw { right in areEqual(left, right) } }
    }

    static func areEqual(_ left: RawElement, _ right: RawElement) -> Bool {
        if let number = ServerNumber(left) { return number == ServerNumber(right) }
        guard left.type.inComparison == right.type.inComparison else { return false }
        if let code = left.codeBeforeScope, let otherCode = right.codeBeforeScope,
            let scope = try? left.scope, let otherScope = try? right.scope
        {
            return sameBytes(code, otherCode) && areEqual(scope, otherScope)
        }
        guard let inside = left.document else { return sameBytes(left.value, right.value) }
        return right.document.map { areEqual(inside, $0) } ?? false
    }

    /// Compares element by element: both their order and their names count.
    private static func areEqual(_ left: RawDocument, _ right: RawDocument) -> Bool {
        var (lefts, rights) = (left.makeWalker(), right.makeWalker())
        while true {
            switch (try? lefts.next(), try? rights.next()) {
            case (nil, nil): return true
            case (let left?, let right?):
                guard sameBytes(left.key, right.key), areEqual(left, right) else { return false }
            default: return false
            }
        }
    }
}

extension ElementType {
    /// Strings and symbols are compared as one type.
    var inComparison: ElementType { self == .symbol ? .string : self }
}
