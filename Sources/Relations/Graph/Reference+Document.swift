import BSON

extension Reference {
    /// The reference as a document for a backup's metadata.
    ///
    ///     {"collection": "policies", "path": "customerId", "target": "customers", "found": "by config"}
    ///
    /// `targetPath`, `optional` and `when` are omitted if they have their default values.
    public var document: Document {
        Document {
            $0.append("collection", .string(collection))
            $0.append("path", .string(path.description))
            $0.append("target", .string(target))
            if targetPath != .id { $0.append("targetPath", .string(targetPath.description)) }
            if isOptional { $0.append("optional", true) }
            if let condition {
                $0.append("when", ["field": .string(condition.field), "equals": condition.value])
            }
            $0.append("found", .string(found))
        }
    }

    /// Reads a reference from a backup's metadata.
    /// - Throws: ``ReferenceError`` naming what is missing or wrong.
    public init(document: Document) throws(ReferenceError) {
        func text(_ key: String) throws(ReferenceError) -> String {
            guard let text = document[key]?.string, !text.isEmpty else { throw ReferenceError(key: key, problem: nil) }
            return text
        }
        func path(_ key: String, isTarget: Bool = false) throws(ReferenceError) -> FieldPath {
            let written = try text(key)
            do {
                return try isTarget ? FieldPath(parsingTarget: written) : FieldPath(parsing: written)
            } catch {
                throw ReferenceError(key: key, problem: error.description)
            }
        }
        var condition: ReferenceCondition?
        if let when = document["when"] {
            guard let field = when.document?["field"]?.string, let value = when.document?["equals"] else {
                throw ReferenceError(key: "when", problem: nil)
            }
            guard !field.utf8.contains(0) else {
                throw ReferenceError(key: "when", problem: FieldPathError.Reason.controlCharacter.rawValue)
            }
            condition = ReferenceCondition(field: field, equals: value)
            guard condition?.canHold == true else { throw ReferenceError(key: "when", problem: nil) }
        }
        self.init(
            collection: try text("collection"), path: try path("path"), target: try text("target"),
            targetPath: document["targetPath"] == nil ? .id : try path("targetPath", isTarget: true),
            isOptional: document["optional"]?.bool ?? false, condition: condition,
            origin: .metadata(document["found"]?.string ?? ""))
    }
}

/// Metadata that does not describe a reference.
public struct ReferenceError: Error, Hashable, Sendable, CustomStringConvertible {
    public let key: String
    /// The problem; nil if the key is missing or its value has the wrong type.
    public let problem: String?

    public var description: String {
        "not a reference: " + (problem.map { "'\(key)': \($0)" } ?? "'\(key)' is missing or not of the expected type")
    }
}
