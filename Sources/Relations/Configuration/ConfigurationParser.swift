import Yams

/// Parses a configuration from YAML. Every error names its place.
struct ConfigurationParser {
    let file: String
    let yaml: GuardedYAML

    init(file: String, yaml: String) {
        self.file = file
        self.yaml = GuardedYAML(yaml)
    }

    func parse() throws(ConfigurationError) -> Configuration {
        guard let root = try compose(yaml.text), !root.isNull else { return Configuration(file: file) }
        guard case .mapping(let entries) = root else { throw rootError(root) }
        let known = ["collections", "exclude"]
        var sections: [Section] = []
        var exclude: [Glob] = []
        for (key, value) in entries {
            switch try name(key, in: "the file") {
            case "collections": sections = try collections(value)
            case "exclude": exclude = try globs(value)
            case let other: throw unknown("unknown key", other, at: key, in: "", known: known, expected: known.listed())
            }
        }
        let names = sections.map(\.name)
        let exactNames = Set(names.map(ExactName.init))
        var result: [Configuration.Collection] = []
        var undeclared: [Configuration.UndeclaredTarget] = []
        let otherNames = Dictionary(
            sections.compactMap { section in section.databaseName.map { ($0, section.name) } }
                .filter { !$0.hasSameBytes(as: $1) }
        ) { first, _ in first }
        for section in sections {
            var reader = ReferenceParser(
                parser: self, collection: section.name, collections: names, names: exactNames,
                otherNames: otherNames)
            result.append(
                Configuration.Collection(
                    name: section.name, databaseName: section.databaseName,
                    references: try reader.references(section.references),
                    types: try types(section.types, of: section.name),
                    saysReferences: section.references.map { !$0.isNull }))
            undeclared += reader.undeclared
        }
        return Configuration(file: file, collections: result, exclude: exclude, undeclared: undeclared)
    }

    // MARK: - Sections

    /// One entry under `collections`, before its parts are parsed: a reference may lead to a collection further down.
    private struct Section {
        let name: String
        var references: Node?
        var types: Node?
        var databaseName: String?
    }

    private func collections(_ node: Node) throws(ConfigurationError) -> [Section] {
        var result: [Section] = []
        var databaseNames: [ExactName: String] = [:]
        let known = ["references", "types", "collection"]
        for (key, value) in try map(node, "'collections'", expected: "a map with a name for each collection") {
            let name = try name(key, in: "'collections'")
            // A file's last line would misread such a name, and no server has a collection with one.
            guard !name.hasScalarPrefix("$") else {
                throw error(key, "a collection's name begins with $: '\(name)'", expected: "another name")
            }
            let place = "collection '\(name)'"
            var section = Section(name: name)
            let parts = try map(value, place, expected: "a map with the keys \(known.listed())")
            for (partKey, part) in parts {
                switch try self.name(partKey, in: place) {
                case "references": section.references = part
                case "types": section.types = part
                case "collection":
                    guard let text = text(of: part), !text.isEmpty, !part.isNull else {
                        throw shapeError(
                            part, "'collection' in \(place)", expected: "the database's name for it", key: "collection")
                    }
                    section.databaseName = text
                case let other:
                    throw unknown(
                        "unknown key", other, at: partKey, in: " in \(place)", known: known, expected: known.listed())
                }
            }
            let databaseName = section.databaseName ?? name
            if let first = databaseNames[ExactName(databaseName)] {
                throw error(
                    key, "collections '\(first)' and '\(name)' are both '\(databaseName)' in the database",
                    expected: "a name of its own for each")
            }
            databaseNames[ExactName(databaseName)] = name
            result.append(section)
        }
        return result
    }

    private func types(_ node: Node?, of collection: String) throws(ConfigurationError) -> [FieldPath: FieldType] {
        let place = "collection '\(collection)'"
        var result: [FieldPath: FieldType] = [:]
        for (key, value) in try map(node, "'types' in \(place)", expected: "a map of path to type") {
            let path = try path(key, in: place)
            let known = FieldType.allCases.map(\.rawValue)
            guard let text = text(of: value), !text.isEmpty, !value.isNull else {
                throw shapeError(
                    value, "the type of '\(path)' in \(place)", expected: known.listed(), key: path.description)
            }
            guard let type = FieldType(rawValue: text) else {
                throw unknown(
                    "unknown type", text, at: value, in: " for '\(path)' in \(place)", known: known,
                    expected: known.listed())
            }
            guard result.updateValue(type, forKey: path) == nil else {
                throw error(key, "path '\(path)' has two types in \(place)", expected: "each path once")
            }
        }
        return result
    }

    private func globs(_ node: Node) throws(ConfigurationError) -> [Glob] {
        if node.isNull { return [] }
        guard case .sequence(let items) = node else {
            throw shapeError(node, "'exclude'", expected: "a list of collection names, * and ? allowed", key: "exclude")
        }
        var result: [Glob] = []
        for item in items {
            guard let text = text(of: item), !text.isEmpty, !item.isNull else {
                throw shapeError(
                    item, "an entry of 'exclude'", expected: "a collection name, * and ? allowed", key: "exclude")
            }
            result.append(Glob(text))
        }
        return result
    }

    // MARK: - Nodes

    /// The pairs of a map; empty for null, as in `references:` with nothing after it.
    func map(
        _ node: Node?, _ what: String, expected: String, key: String? = nil
    ) throws(ConfigurationError) -> [(key: Node, value: Node)] {
        guard let node, !node.isNull else { return [] }
        guard case .mapping(let mapping) = node else { throw shapeError(node, what, expected: expected, key: key) }
        return Array(mapping)
    }

    /// The text of a scalar as written: a collection may be called `no` or `123`.
    func text(of node: Node) -> String? {
        if case .scalar(let scalar) = node { yaml.restored(scalar.string) } else { nil }
    }

    func name(_ key: Node, in place: String) throws(ConfigurationError) -> String {
        guard let text = text(of: key), !text.isEmpty else {
            throw shapeError(key, "a key in \(place)", expected: "a name")
        }
        return text
    }

    func path(_ key: Node, in place: String) throws(ConfigurationError) -> FieldPath {
        let text = try name(key, in: place)
        do { return try FieldPath(parsing: text) } catch {
            throw self.error(
                key, name: text, "bad path '\(text)' in \(place): \(error.reason.rawValue)",
                expected: "names joined by dots, with [] for every element of an array")
        }
    }

    // MARK: - Errors

    func error(
        _ node: Node, name: String? = nil, _ problem: String, expected: String?, suggestion: String? = nil
    ) -> ConfigurationError {
        ConfigurationError(
            file: file, line: node.mark?.line, column: node.mark?.column, key: name ?? text(of: node), problem,
            expected: expected, suggestion: suggestion)
    }

    func unknown(
        _ what: String, _ text: String, at node: Node, in place: String, known: [String], expected: String
    ) -> ConfigurationError {
        error(
            node, name: text, "\(what) '\(text)'\(place)", expected: expected,
            suggestion: NearestName.nearest(to: text, among: known))
    }

    /// A file with other content may be one of the command's other files, such as the one with the connection string,
    /// so nothing of it is shown.
    private func rootError(_ root: Node) -> ConfigurationError {
        let expected = "a map with the keys collections and exclude"
        guard case .scalar(let scalar) = root else { return shapeError(root, "the file", expected: expected) }
        let isAddress = scalar.string.contains("://")
        return ConfigurationError(
            file: file, line: root.mark?.line, column: root.mark?.column,
            isAddress ? "the file holds a connection string, which --uri-file takes" : "the file is one text",
            expected: expected)
    }

    func shapeError(_ node: Node, _ what: String, expected: String, key: String? = nil) -> ConfigurationError {
        let shape =
            switch node {
            case .mapping: "a map"
            case .sequence: "a list"
            case .scalar where node.isNull: "empty"
            case .scalar(let scalar):
                scalar.string.isEmpty ? "empty" : "'\(yaml.restored(scalar.string).excerpt(40))'"
            case .alias: "an alias"
            }
        return error(node, name: key, "\(what) is \(shape)", expected: expected)
    }
}

extension Node {
    /// True and false as in YAML 1.2; nil for anything else, including quoted text.
    var flag: Bool? {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return nil }
        if ["true", "True", "TRUE"].contains(scalar.string) { return true }
        return ["false", "False", "FALSE"].contains(scalar.string) ? false : nil
    }

    var isEmptyCollection: Bool {
        switch self {
        case .mapping(let mapping): mapping.isEmpty
        case .sequence(let sequence): sequence.isEmpty
        default: false
        }
    }

    var isNull: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
