import BSON
import Relations

/// By which fields a merge takes two documents for the same.
struct DocumentKey: Sendable {
    private let paths: [FieldPath]
    /// As they were typed.
    let names: [String]
    /// As a filter has them: without the backslashes.
    private let fields: [String]

    /// - Throws: ``FerryError`` for a name that is no path of plain fields.
    init(_ names: [String]) throws {
        self.names = names
        paths = try names.map { name in
            guard let path = try? FieldPath(parsingTarget: name), !path.hasArrays else {
                throw FerryError("--upsert-keys: '\(name)' is not a field's name", kind: .usage)
            }
            return path
        }
        fields = paths.map(\.questionField)
        if names.isEmpty { throw FerryError("--upsert-keys names no field", kind: .usage) }
    }

    var isID: Bool { names == ["_id"] }

    /// The same for documents whose keys a server takes for equal; nil where a field is missing.
    func hash(_ document: RawDocument) -> UInt64? {
        if isID { return document.first.map(IDHash.hash) }
        var result: UInt64 = 0x1234_5678_9ABC_DEF1
        for path in paths {
            var value: UInt64?
            try? path.forEachValue(in: document) { value = IDHash.hash($0) }
            guard let value else { return nil }
            result = (result ^ value) &* 0x9E37_79B9_7F4A_7C15
        }
        return result
    }

    /// Whether `$in` would take a value for a pattern or for an operator.
    private static func isPattern(at path: FieldPath, in document: RawDocument) -> Bool {
        var isPattern = false
        try? path.forEachValue(in: document) { isPattern = isPattern || !QuestionFilter.isListable($0.copy) }
        return isPattern
    }

    /// A filter that finds the documents with these keys.
    func filter(_ documents: [RawDocument]) throws -> Document {
        if let only = paths.first, paths.count == 1,
            isID || !documents.contains(where: { Self.isPattern(at: only, in: $0) })
        {
            let values = Document { list in
                for (index, document) in documents.enumerated() {
                    if isID {
                        if let id = document.first { list.append(String(index), copying: id) }
                    } else {
                        try? only.forEachValue(in: document) { list.append(String(index), copying: $0) }
                    }
                }
            }
            return Document { $0.append(fields[0], ["$in": .array(values)]) }
        }
        let alternatives = documents.map { document in
            Value.document(
                Document { alternative in
                    for (path, name) in zip(paths, fields) {
                        try? path.forEachValue(in: document) { value in
                            alternative.append(name, .document(Document { $0.append("$eq", copying: value) }))
                        }
                    }
                })
        }
        return ["$or": .array(alternatives)]
    }
}
