import BSON
import Relations

/// The fields by which a merge takes two documents for the same.
struct DocumentKey: Sendable {
    private let paths: [FieldPath]
    /// As the user typed them.
    let names: [String]
    /// As a filter needs them: without the backslashes.
    private let fields: [String]
    /// The bits of a hash that count. Tests take fewer, so that different keys share a hash.
    var hashMask = UInt64.max

    /// - Throws: ``FerryError`` for a name that is not a path of plain fields, or if there are no names.
    init(_ names: [String]) throws {
        self.names = names
        paths = try names.map { name in
            guard let path = try? FieldPath(parsingTarget: name), !path.hasArrays else {
                throw FerryError("--upsert-keys: '\(name)' is not a field's name", kind: .usage)
            }
            return path
        }
        fields = paths.map(\.filterField)
        if names.isEmpty { throw FerryError("--upsert-keys names no field", kind: .usage) }
    }

    var isID: Bool { names == ["_id"] }

    /// A hash that is the same for documents whose keys are equal to a server; nil if a field is missing.
    func hash(_ document: RawDocument) -> UInt64? {
        if isID { return document.first.map { IDHash.hash($0) & hashMask } }
        var result: UInt64 = 0x1234_5678_9ABC_DEF1
        for path in paths {
            guard let value = Self.value(at: path, in: document) else { return nil }
            result = (result ^ IDHash.hash(value)) &* 0x9E37_79B9_7F4A_7C15
        }
        return result & hashMask
    }

    /// The values of all fields as one value; nil if a field is missing.
    func value(_ document: RawDocument) -> Value? {
        if isID { return document.first?.copy }
        var builder = DocumentBuilder()
        for path in paths {
            guard let value = Self.value(at: path, in: document) else { return nil }
            builder.append("", copying: value)
        }
        return .document(builder.finish())
    }

    /// Whether a server takes the keys of two documents for equal.
    func isEqual(in left: RawDocument, _ right: RawDocument) -> Bool {
        func isEqual(_ left: RawElement?, _ right: RawElement?) -> Bool {
            guard let left, let right else { return false }
            return ServerEquality.areEqual(left, right)
        }
        if isID { return isEqual(left.first, right.first) }
        return paths.allSatisfy { isEqual(Self.value(at: $0, in: left), Self.value(at: $0, in: right)) }
    }

    private static func value(at path: FieldPath, in document: RawDocument) -> RawElement? {
        var value: RawElement?
        // No query finds the deprecated `undefined`.
        try? path.forEachValue(in: document) { value = $0.type == .undefined ? nil : $0 }
        return value
    }

    /// Whether `$in` would take a value for a pattern or an operator.
    private static func isPattern(at path: FieldPath, in document: RawDocument) -> Bool {
        var isPattern = false
        try? path.forEachValue(in: document) { isPattern = isPattern || !QueryFilter.isListable($0.copy) }
        return isPattern
    }

    /// Whether documents with given values of all fields can be found by an index.
    /// - Parameter indexes: their specifications.
    func isIndexed(by indexes: [Document]) -> Bool {
        indexes.contains { index in
            let names = index["key"]?.document?.keys ?? []
            return names.count >= fields.count && Set(names.prefix(fields.count)) == Set(fields)
                && index["partialFilterExpression"] == nil && index["hidden"]?.isOn != true
        }
    }

    /// Whether an index can narrow the search for documents with given values, which otherwise scans the whole
    /// collection.
    func isHelped(by indexes: [Document]) -> Bool {
        isID || indexes.contains { $0["key"]?.document?.keys.first.map(fields.contains) ?? false }
    }

    /// A filter that finds the documents with these keys, and possibly others.
    /// - Parameter isIndexed: see ``isIndexed(by:)``; called only if it matters.
    func filter(_ documents: [RawDocument], isIndexed: () throws -> Bool) rethrows -> Document {
        if isID {
            let ids = Document { list in
                for (index, document) in documents.enumerated() {
                    if let id = document.first { list.append(String(index), copying: id) }
                }
            }
            return ["_id": ["$in": .array(ids)]]
        }
        guard !documents.contains(where: { document in paths.contains { Self.isPattern(at: $0, in: document) } }) else {
            return alternatives(documents)
        }
        let values = paths.map { Self.differentValues(at: $0, in: documents) }
        // Values that differ between most documents find hardly any others. Without an index, a server scans the whole
        // collection: it looks a value up in a list, but compares a document with thousands of alternatives one by one.
        let isTelling = values.contains { 2 * $0.count >= documents.count }
        guard try paths.count == 1 || isTelling || !isIndexed() else { return alternatives(documents) }
        return Document { filter in
            for (name, list) in zip(fields, values) { filter.append(name, ["$in": .array(list.values)]) }
        }
    }

    private static func differentValues(
        at path: FieldPath, in documents: [RawDocument]
    ) -> (values: Document, count: Int) {
        var seen: Set<UInt64> = []
        let values = Document { list in
            for document in documents {
                try? path.forEachValue(in: document) { value in
                    let number = seen.count
                    if seen.insert(IDHash.hash(value)).inserted { list.append(String(number), copying: value) }
                }
            }
        }
        return (values, seen.count)
    }

    private func alternatives(_ documents: [RawDocument]) -> Document {
        ["$or": .array(documents.map { .document(filter(of: $0)) })]
    }

    /// Whether a part of the key is there more than once. Servers see one of them, and not each the same.
    func isRepeated(in document: RawDocument) -> Bool {
        paths.contains { path in
            var count = 0
            try? path.forEachValue(in: document) { _ in count += 1 }
            return count > 1
        }
    }

    /// A filter that finds the documents with this document's key.
    func filter(of document: RawDocument) -> Document {
        Document { filter in
            for (path, name) in zip(paths, fields) {
                try? path.forEachValue(in: document) { value in
                    filter.append(name, .document(Document { $0.append("$eq", copying: value) }))
                }
            }
        }
    }
}
