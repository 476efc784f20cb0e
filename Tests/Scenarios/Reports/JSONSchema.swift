import Foundation

/// JSON as it is written: true is not 1.
enum JSONValue: Decodable, Equatable {
    case null, bool(Bool), number(Double), string(String), array([JSONValue]), object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    init(_ text: String) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var array: [JSONValue] { if case .array(let items) = self { items } else { [] } }
    var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
}

/// The part of JSON Schema that the project's own schemas use. Anything else is reported, so that none of their rules
/// goes unchecked.
struct JSONSchema {
    let root: JSONValue

    /// Returns what is wrong with a value, each problem with its place; empty if the value is valid.
    func problems(_ value: JSONValue) -> [String] { problems(value, root, "$") }

    private static let descriptive: Set = ["$schema", "$defs", "title", "description"]

    private func problems(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        schema.members.flatMap { keyword, rule -> [String] in
            switch keyword {
            case _ where Self.descriptive.contains(keyword): return []
            case "$ref":
                let name = rule.string.map { String($0.dropFirst("#/$defs/".count)) } ?? ""
                guard let target = root["$defs"]?[name] else { return ["\(place): no definition \(name)"] }
                return problems(value, target, place)
            case "type": return isOf(rule.string ?? "", value) ? [] : ["\(place): not of type \(rule)"]
            case "enum": return rule.array.contains(value) ? [] : ["\(place): \(value) is none of \(rule)"]
            case "const": return rule == value ? [] : ["\(place): \(value) is not \(rule)"]
            case "minimum":
                guard case .number(let least) = rule, case .number(let number) = value else { return [] }
                return number >= least ? [] : ["\(place): less than \(least)"]
            case "items":
                return value.array.enumerated().flatMap { problems($1, rule, "\(place)[\($0)]") }
            case "required":
                return rule.array.compactMap(\.string).filter { value[$0] == nil }.map { "\(place).\($0): missing" }
            case "properties":
                // The schema allows further fields, which later versions may add; this version writes none.
                return value.members.flatMap { name, member in
                    rule[name].map { problems(member, $0, "\(place).\(name)") } ?? ["\(place).\(name): unknown"]
                }
            default: return ["\(place): the schema's '\(keyword)' is not understood"]
            }
        }
    }

    private func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("string", .string), ("array", .array), ("object", .object), ("number", .number), ("boolean", .bool): true
        case ("integer", .number(let number)): number == number.rounded()
        default: false
        }
    }

    /// The names of all members that it allows, at any depth.
    var names: Set<String> { Self.names(root) }

    private static func names(_ schema: JSONValue) -> Set<String> {
        switch schema {
        case .object(let members):
            members.reduce(into: Set(members["properties"]?.members.keys.map { $0 } ?? [])) {
                $0.formUnion(names($1.value))
            }
        case .array(let items): items.reduce(into: []) { $0.formUnion(names($1)) }
        default: []
        }
    }
}
