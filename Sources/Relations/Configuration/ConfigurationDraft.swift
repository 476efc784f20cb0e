/// A discovered configuration, not a written one: what `discover` offers for review and correction.
public struct ConfigurationDraft: Sendable {
    public struct Collection: Hashable, Sendable {
        /// The name for files.
        public let name: String
        public let databaseName: String
        public let records: Int?

        public init(name: String, databaseName: String? = nil, records: Int? = nil) {
            self.name = name
            self.databaseName = databaseName ?? name
            self.records = records
        }
    }

    /// Comment lines at the top.
    public var title: [String]
    public var collections: [Collection]
    public var references: [Reference]
    public var types: [TypedPath]
    public var candidates: [ReferenceCandidate]
    /// Patterns, each with the reason for it.
    public var exclude: [(pattern: String, reason: String?)]

    public init(
        title: [String] = [], collections: [Collection], references: [Reference] = [], types: [TypedPath] = [],
        candidates: [ReferenceCandidate] = [], exclude: [(pattern: String, reason: String?)] = []
    ) {
        self.title = title
        self.collections = collections
        self.references = references
        self.types = types
        self.candidates = candidates
        self.exclude = exclude
    }

    /// The text of a configuration file with the evidence as comments. ``Configuration/parse(yaml:file:)`` reads it.
    ///
    /// Types are written unless JSON shows them by itself. Omitted are bools, 32-bit integers and strings, except for
    /// strings that look like ids or dates, and the ObjectIds of `_id` and references.
    public var yaml: String {
        var lines = title.map { YAMLLine("# " + $0.oneLine) }
        if collections.isEmpty {
            lines.append(YAMLLine("collections: {}"))
        } else {
            lines.append(YAMLLine("collections:"))
        }
        // Grouped once: with very many collections, each would otherwise go through the lists of all.
        let references = Dictionary(grouping: references) { ExactName($0.collection) }
        let types = Dictionary(grouping: types) { ExactName($0.collection) }
        let candidates = Dictionary(grouping: candidates) { ExactName($0.collection) }
        for collection in collections {
            let name = ExactName(collection.name)
            lines += block(of: collection, references[name] ?? [], types[name] ?? [], candidates[name] ?? [])
        }
        if !exclude.isEmpty {
            lines.append(YAMLLine("exclude:"))
            lines += YAMLLine.aligned(exclude.map { YAMLLine("  - " + $0.pattern.yamlScalar, $0.reason) })
        }
        return lines.map { $0.text + "\n" }.joined()
    }

    private func block(
        of collection: Collection, _ references: [Reference], _ types: [TypedPath], _ candidates: [ReferenceCandidate]
    ) -> [YAMLLine] {
        let types = types.filter { typed in
            typed.isWorthWriting && !(typed.type == .objectId && references.contains { $0.path == typed.path })
        }
        let isRenamed = !collection.databaseName.hasSameBytes(as: collection.name)
        let isEmpty = references.isEmpty && types.isEmpty && !isRenamed
        let records = collection.records.map { $0.counted("document") }
        var lines = YAMLLine.aligned(
            YAMLLine.entry("  ", collection.name.yamlScalar, isEmpty ? "{}" : nil, records))
        if isRenamed { lines.append(YAMLLine("    collection: " + collection.databaseName.yamlScalar)) }
        if !references.isEmpty {
            lines.append(YAMLLine("    references:"))
            lines += YAMLLine.aligned(referenceLines(references))
        }
        lines += candidates.map { YAMLLine("    # not taken: \($0)") }
        if !types.isEmpty {
            lines.append(YAMLLine("    types:"))
            lines += YAMLLine.aligned(typeLines(types))
        }
        return lines
    }

    private func typeLines(_ types: [TypedPath]) -> [YAMLLine] {
        var written: Set<String> = []
        return types.flatMap { typed -> [YAMLLine] in
            let path = typed.path.description
            guard written.insert(path).inserted else { return [Self.lookAlike("\(path): \(typed.type)")] }
            return YAMLLine.entry(
                "      ", path.yamlScalar, "\(typed.type)", typed.values.counted("sampled value"))
        }
    }

    /// A comment in place of an entry whose path equals one already written, as YAML and Swift compare strings: "é" can
    /// be one character or two. A file with both could not be read.
    private static func lookAlike(_ entry: String) -> YAMLLine {
        YAMLLine("      # not taken: \(entry.oneLine), since YAML takes its path for the one above that looks the same")
    }

    private func referenceLines(_ references: [Reference]) -> [YAMLLine] {
        var lines: [YAMLLine] = []
        var written: Set<String> = []
        for (path, group) in Dictionary(grouping: references, by: \.path).sorted(by: { $0.key < $1.key }) {
            let group = group.sorted()
            guard written.insert(path.description).inserted else {
                lines += group.map { Self.lookAlike("\(path) → \($0.targetDescription)") }
                continue
            }
            let key = path.description.yamlScalar
            if group.count == 1, group[0].condition == nil, !group[0].isOptional {
                lines += YAMLLine.entry("      ", key, group[0].targetDescription.yamlScalar, group[0].evidence)
                continue
            }
            lines += YAMLLine.entry("      ", key)
            if group.contains(where: \.isOptional) { lines.append(YAMLLine("        optional: true")) }
            let conditions = Dictionary(grouping: group) { $0.condition?.field }
            if let field = conditions.keys.first ?? nil, conditions.count == 1 {
                lines.append(YAMLLine("        by: " + FieldPath(steps: [.field(field)]).description.yamlScalar))
                lines.append(YAMLLine("        to:"))
                lines += group.flatMap {
                    YAMLLine.entry(
                        "          ", $0.condition?.yamlKey ?? "", $0.targetDescription.yamlScalar, $0.evidence)
                }
            } else if group.count == 1 {
                lines.append(YAMLLine("        to: " + group[0].targetDescription.yamlScalar, group[0].evidence))
            } else {
                lines.append(YAMLLine("        to:"))
                lines += group.map { YAMLLine("          - " + $0.targetDescription.yamlScalar, $0.evidence) }
            }
        }
        return lines
    }
}

extension TypedPath {
    fileprivate var isWorthWriting: Bool {
        switch type {
        case .bool, .int: false
        case .string: looksOtherwise
        case .objectId: path != .id
        default: true
        }
    }
}

extension Reference {
    fileprivate var evidence: String? {
        if case .discovered(let evidence) = origin { evidence } else { nil }
    }
}

extension ReferenceCondition {
    fileprivate var yamlKey: String {
        guard case .string(let text) = value else { return valueText }
        return text.yamlScalar
    }
}
