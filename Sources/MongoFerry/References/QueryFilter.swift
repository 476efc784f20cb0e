import BSON
import Relations

/// Filters that find which of some values a field has; several if a single query would be too large.
enum QueryFilter {
    static let maximumCount = 10_000
    /// A filter is a document, limited to 16 MB; values can be long strings.
    static let maximumBytes = 4 << 20
    /// `$or` costs a server more per value than `$in`.
    private static let maximumAlternatives = 1000

    /// - Returns: the filters; none for values that no document on a server can have there.
    static func filters(_ values: ArraySlice<Value>, _ path: FieldPath) -> [Document] {
        let field = path.filterField
        var (listed, single): ([Value], [Value]) = ([], [])
        for value in values {
            switch Way(value) {
            case .list: listed.append(value)
            // No `_id` is such a value.
            case .alternative where path != .id: single.append(value)
            case .alternative, .none: break
            }
        }
        let lists = slices(listed, maximumCount).map { part in
            Document { $0.append(field, ["$in": .array(Array(part))]) }
        }
        let alternatives = slices(single, maximumAlternatives).map { part -> Document in
            ["$or": .array(part.map { value in .document(Document { $0.append(field, ["$eq": value]) }) })]
        }
        return lists + alternatives
    }

    /// Whether a value stands for itself in a list of `$in`.
    static func isListable(_ value: Value) -> Bool { Way(value) == .list }

    /// How a value can be queried.
    private enum Way {
        case list
        /// `$in` would interpret the value as a regular expression or an operator.
        case alternative
        case none

        init(_ value: Value) {
            switch value {
            case .other(.regularExpression, _): self = .alternative
            case .other(.undefined, _): self = .none
            case .document(let document):
                self = document.withRaw { Self.looksLikeOperator($0) } ? .alternative : .list
            default: self = .list
            }
        }

        /// To a server, a document that begins with `$` is an operator, unless it is a complete DBRef.
        private static func looksLikeOperator(_ document: RawDocument) -> Bool {
            var walker = document.makeWalker()
            guard let first = try? walker.next(), first.key.first == UInt8(ascii: "$") else { return false }
            guard first.keyEquals("$ref"), first.type == .string, let second = try? walker.next() else { return true }
            return !second.keyEquals("$id")
        }
    }

    private static func slices(_ values: [Value], _ maximumCount: Int) -> [ArraySlice<Value>] {
        var result: [ArraySlice<Value>] = []
        var (start, bytes) = (0, 0)
        for (index, value) in values.enumerated() {
            let size = value.approximateSize
            if index > start, index - start >= maximumCount || bytes + size > maximumBytes {
                result.append(values[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += size
        }
        if start < values.count { result.append(values[start...]) }
        return result
    }
}

extension FieldPath {
    /// The field as a query names it: queries look into arrays anyway.
    var filterField: String {
        steps.compactMap { if case .field(let name) = $0 { name } else { nil } }.joined(separator: ".")
    }
}

extension Value {
    /// An estimate of the value's size in bytes in a document.
    var approximateSize: Int {
        switch self {
        case .string(let text): text.utf8.count + 16
        case .binary(_, let bytes), .other(_, let bytes): bytes.count + 16
        case .document(let document), .array(let document): document.bytes.count + 16
        default: 32
        }
    }
}
