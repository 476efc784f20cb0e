import BSON
import Yams

/// Parses the `references` of one collection.
///
///     customerId: customers
///     email: customers.email
///     agent: {to: users, optional: true}
///     ownerId: {by: ownerType, to: {customer: customers, company: companies}}
///     subject: {to: [customers, companies]}
struct ReferenceParser {
    let parser: ConfigurationParser
    let collection: String
    /// The collections that a reference may lead to, whatever the database and the file contain.
    let collections: [String]
    let names: Set<ExactName>
    /// Those that have another name in the database, by that name.
    let otherNames: [String: String]
    /// Targets that only a database or a file can have.
    private(set) var undeclared: [Configuration.UndeclaredTarget] = []

    private var place: String { "collection '\(collection)'" }

    mutating func references(_ node: Node?) throws(ConfigurationError) -> [Reference] {
        var result: [Reference] = []
        var seen: Set<FieldPath> = []
        for (key, value) in try parser.map(node, "'references' in \(place)", expected: "a map of path to target") {
            let path = try parser.path(key, in: place)
            guard seen.insert(path).inserted else {
                throw parser.error(key, "path '\(path)' has two references in \(place)", expected: "each path once")
            }
            result += try references(at: path, value)
        }
        return result
    }

    private mutating func references(at path: FieldPath, _ node: Node) throws(ConfigurationError) -> [Reference] {
        guard case .mapping(let entries) = node else { return [try reference(path, to: node)] }
        let known = ["to", "optional", "by"]
        var to: Node?
        var by: String?
        var isOptional = false
        for (key, value) in entries {
            switch try parser.name(key, in: "'\(path)'") {
            case "to": to = value
            case "optional":
                guard let flag = value.flag else {
                    throw parser.shapeError(
                        value, "'optional' of '\(path)' in \(place)", expected: "true or false", key: "optional")
                }
                isOptional = flag
            case "by":
                by = try fieldBeside(path, value)
            case let other:
                throw parser.unknown(
                    "unknown key", other, at: key, in: " of '\(path)' in \(place)", known: known,
                    expected: known.listed())
            }
        }
        guard let to, !to.isNull else {
            throw parser.error(
                node, name: path.description, "'\(path)' in \(place) has no target",
                expected: "a 'to' with the target collection")
        }
        var found = try targets(at: path, to, by: by)
        for index in found.indices { found[index].isOptional = isOptional }
        return found
    }

    /// The field that `by` names.
    private func fieldBeside(_ path: FieldPath, _ node: Node) throws(ConfigurationError) -> String {
        guard let text = parser.text(of: node), !text.isEmpty, !node.isNull, !text.utf8.contains(0) else {
            throw parser.shapeError(
                node, "'by' of '\(path)' in \(place)", expected: "the name of the field beside it", key: "by")
        }
        guard let steps = try? FieldPath(parsing: text).steps, steps.count == 1, case .field(let field) = steps[0]
        else {
            throw parser.error(
                node, name: "by", "'by' of '\(path)' in \(place) is '\(text)'",
                expected: "the name of one field in the same document, with a backslash before its dots and brackets")
        }
        return field
    }

    private mutating func targets(at path: FieldPath, _ node: Node, by: String?) throws(ConfigurationError)
        -> [Reference]
    {
        switch (node, by) {
        case (.mapping, .some) where node.isEmptyCollection, (.sequence, nil) where node.isEmptyCollection:
            throw parser.error(
                node, name: "to", "'to' of '\(path)' in \(place) names no target",
                expected: "at least one collection named in 'collections'")
        case (.mapping(let cases), let field?):
            var result: [Reference] = []
            for (key, value) in cases {
                var reference = try reference(path, to: value)
                reference.condition = ReferenceCondition(field: field, equals: try condition(key, at: path))
                result.append(reference)
            }
            return result
        case (_, .some):
            throw parser.shapeError(
                node, "'to' of '\(path)' in \(place)", expected: "a map of value to target, since 'by' is there",
                key: "to")
        case (.mapping, nil):
            throw parser.error(
                node, name: "to", "'to' of '\(path)' in \(place) is a map",
                expected: "a 'by' with the field that tells which")
        case (.sequence(let items), nil):
            var result: [Reference] = []
            for item in items { result.append(try reference(path, to: item)) }
            return result
        default: return [try reference(path, to: node)]
        }
    }

    private mutating func reference(_ path: FieldPath, to node: Node) throws(ConfigurationError) -> Reference {
        guard let text = parser.text(of: node), !text.isEmpty, !node.isNull else {
            throw parser.shapeError(
                node, "the target of '\(path)' in \(place)", expected: "a collection named in 'collections'",
                key: path.description)
        }
        let target: String
        if let known = declared(in: text) {
            target = known
        } else {
            target = try undeclared(text, for: path, at: node)
        }
        var targetPath = FieldPath.id
        if text.utf8.count > target.utf8.count {
            let field = String(text.unicodeScalars.dropFirst(target.unicodeScalars.count + 1))
            do { targetPath = try FieldPath(parsingTarget: field) } catch {
                throw parser.error(
                    node, name: path.description,
                    "bad path '\(field)' in the target of '\(path)' in \(place): \(error.reason.rawValue)",
                    expected: "a collection, or a collection, a dot and a field")
            }
        }
        return Reference(collection: collection, path: path, target: target, targetPath: targetPath)
    }

    /// The collection that a target names, as a whole or before a dot. Collection names may contain dots: the longest
    /// match counts.
    private func declared(in text: String) -> String? {
        var rest = text[...]
        while true {
            if names.contains(ExactName(String(rest))) { return String(rest) }
            guard let dot = rest.unicodeScalars.lastIndex(of: ".") else { return nil }
            rest = rest[..<dot]
        }
    }

    /// Accepts a target that is not named in `collections`, since the database or the file may have it. Throws if it
    /// contains a dot, because only `collections` can tell which part is the collection's name, or if it is the
    /// database's name of a collection that has another name here.
    private mutating func undeclared(
        _ text: String, for path: FieldPath, at node: Node
    ) throws(ConfigurationError) -> String {
        let error = parser.error(
            node, name: path.description, "unknown target '\(text)' for '\(path)' in \(place)",
            expected: "a collection of 'collections', the database or the file")
        guard otherNames[text] == nil, !text.unicodeScalars.contains(".") else {
            throw error.suggesting(otherNames[text] ?? nearest(to: text))
        }
        // Usually it exists, so nothing similar is looked for yet.
        undeclared.append(Configuration.UndeclaredTarget(name: text, error: error))
        return text
    }

    private func nearest(to target: String) -> String? {
        NearestName.nearest(to: target, among: collections)
            ?? target.firstIndex(of: ".").flatMap { dot in
                NearestName.nearest(to: String(target[..<dot]), among: collections).map { $0 + target[dot...] }
            }
    }

    private func condition(_ key: Node, at path: FieldPath) throws(ConfigurationError) -> Value {
        guard let text = parser.text(of: key) else {
            throw parser.shapeError(
                key, "a key in 'to' of '\(path)' in \(place)", expected: "a value of the field in 'by'")
        }
        guard case .scalar(let scalar) = key, scalar.style == .plain else { return .string(text) }
        if let flag = key.flag { return .bool(flag) }
        // A value such as `01` can only be a string.
        guard let number = Int64(text), String(number) == text else { return .string(text) }
        return .int64(number)
    }
}
