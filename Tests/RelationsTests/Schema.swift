import Foundation
import Testing

/// Validates JSON against the part of JSON Schema that the configuration's schema uses. Unknown keywords are test
/// failures.
struct Schema {
    private let root: [String: Any]

    init(file: String) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../\(file)")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
        root = try #require(json as? [String: Any])
    }

    func accepts(_ json: String) throws -> Bool {
        let instance = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        return try accepts(instance, root)
    }

    private func accepts(_ instance: Any, _ schema: [String: Any]) throws -> Bool {
        for (keyword, value) in schema {
            guard try holds(keyword, value, schema, instance) else { return false }
        }
        return true
    }

    private func holds(_ keyword: String, _ value: Any, _ schema: [String: Any], _ instance: Any) throws -> Bool {
        let object = instance as? [String: Any]
        switch keyword {
        case "$schema", "$defs", "title", "description": return true
        case "$ref":
            let path = try #require(value as? String)
            let name = String(try #require(path.split(separator: "/").last))
            let definitions = try #require(root["$defs"] as? [String: Any])
            return try accepts(instance, try #require(definitions[name] as? [String: Any]))
        case "type":
            let types = try value as? [String] ?? [#require(value as? String)]
            return types.contains(type(of: instance))
        case "enum": return (value as? [String] ?? []).contains { $0 == instance as? String }
        case "anyOf": return try #require(value as? [[String: Any]]).contains { try accepts(instance, $0) }
        case "properties":
            return try (value as? [String: Any] ?? [:]).allSatisfy { name, inner in
                try object?[name].map { try accepts($0, try self.schema(inner)) } ?? true
            }
        case "additionalProperties":
            let known = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
            let others = (object ?? [:]).filter { !known.contains($0.key) }
            if value as? Bool == false { return others.isEmpty }
            return try others.values.allSatisfy { try accepts($0, try self.schema(value)) }
        case "propertyNames": return try (object ?? [:]).keys.allSatisfy { try accepts($0, try self.schema(value)) }
        case "required":
            return object.map { object in (value as? [String] ?? []).allSatisfy { object[$0] != nil } } ?? true
        case "items": return try (instance as? [Any] ?? []).allSatisfy { try accepts($0, try self.schema(value)) }
        case "minItems": return (instance as? [Any])?.count ?? .max >= value as? Int ?? 0
        case "minProperties": return object?.count ?? .max >= value as? Int ?? 0
        case "minLength": return (instance as? String)?.unicodeScalars.count ?? .max >= value as? Int ?? 0
        case "pattern":
            guard let text = instance as? String else { return true }
            let pattern = try NSRegularExpression(pattern: try #require(value as? String))
            return pattern.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
        default:
            Issue.record("this test knows no keyword '\(keyword)'")
            return false
        }
    }

    private func schema(_ value: Any) throws -> [String: Any] { try #require(value as? [String: Any]) }

    private func type(of instance: Any) -> String {
        switch instance {
        case is NSNull: "null"
        case is [Any]: "array"
        case is [String: Any]: "object"
        case is String: "string"
        case let number as NSNumber: number === kTrue || number === kFalse ? "boolean" : "number"
        default: "?"
        }
    }

    private let kTrue = true as NSNumber
    private let kFalse = false as NSNumber
}
