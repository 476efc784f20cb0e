import BSON

/// What was converted in legacy rows, by path, with the reason.
public struct ConversionReport: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let rule: TypeRule
        public let converted: Int
        /// Values of another type that stayed as they were.
        public let left: Int
        public let dangling: LegacyResolution.Dangling?
    }

    /// Sorted by collection and path; only rules that met values not of their type already.
    public let entries: [Entry]
    public let conflicts: [LegacyResolution.Conflict]
    public let lookAlikes: [LegacyResolution.Conflict]

    public init(_ resolution: LegacyResolution, counts: ConversionCounts) {
        entries = resolution.rules.rules.enumerated().compactMap { number, rule in
            let (converted, left) = (counts.converted[number], counts.left[number])
            guard converted + left > 0 else { return nil }
            // Dangling ids are not numbers.
            let dangling =
                rule.part != .all
                ? nil
                : resolution.dangling.first {
                    $0.collection.hasSameBytes(as: rule.collection) && $0.path == rule.path
                }
            return Entry(rule: rule, converted: converted, left: left, dangling: dangling)
        }
        conflicts = resolution.conflicts
        lookAlikes = resolution.lookAlikes
    }

    /// A line for each path, or for many where the same was done, without the doubts, which are reported before anything
    /// is written.
    ///
    ///     policies.customerId: 60,000 to objectId (reference to customers in the config)
    public var lines: [String] {
        let groups = PathGroup.groups(entries) {
            ($0.rule.collection, $0.rule.path)
        } kind: {
            $0.kind
        }
        return groups.map(Self.line) + LegacyResolution.lines((conflicts + lookAlikes).filter { !$0.isDoubt })
    }

    private static func line(_ group: PathGroup<Entry>) -> String {
        let first = group.elements[0]
        guard group.elements.count > 1 else { return first.description }
        let converted = group.elements.reduce(0) { $0 + $1.converted }
        let left = group.elements.reduce(0) { $0 + $1.left }
        var text = "\(group.place): \(converted.grouped) to \(first.rule.type)"
        if left > 0 { text += ", \(left.grouped) left as they are" }
        let dangling = LegacyResolution.Dangling.text(group.elements.compactMap(\.dangling))
        return (text + ", such as \(first.rule.path) (\(first.rule.reason))\(dangling)").oneLine
    }

    /// The same for programs: `{"converted": [{"collection", "path", "to", …}], "conflicts": […], "lookAlikes": …}`.
    public var document: Document {
        func list(_ conflicts: [LegacyResolution.Conflict]) -> Value {
            .array(
                conflicts.map {
                    [
                        "collection": .string($0.collection), "path": .string($0.path.description),
                        "problem": .string($0.problem),
                    ]
                })
        }
        return [
            "converted": .array(entries.map { .document($0.document) }), "conflicts": list(conflicts),
            "lookAlikes": list(lookAlikes),
        ]
    }
}

extension ConversionReport.Entry: CustomStringConvertible {
    public var description: String {
        var text = "\(rule.collection).\(rule.path): \(converted.grouped) to \(rule.type) (\(rule.reason))"
        if left > 0 { text += ", \(left.grouped) left as they are" }
        return (text + LegacyResolution.Dangling.text([dangling].compactMap(\.self))).oneLine
    }

    /// What lines that are told together have in common.
    fileprivate var kind: String {
        let reason = if case .inferred = rule.reason { rule.reason.keyword } else { "\(rule.reason)" }
        return "\(rule.type) \(rule.part) \(reason) \(dangling != nil)"
    }

    var document: Document {
        Document { document in
            document.append("collection", .string(rule.collection))
            document.append("path", .string(rule.path.description))
            document.append("to", .string(rule.type.rawValue))
            document.append("found", .string(rule.reason.keyword))
            document.append("reason", .string(rule.reason.description))
            document.append("converted", .number(converted))
            document.append("left", .number(left))
            if let dangling {
                document.append("dangling", .number(dangling.count))
                document.append("examples", .array(dangling.examples.map(Value.objectID)))
            }
        }
    }
}

extension LegacyResolution.Dangling {
    /// "; 2 of the ids exist nowhere: …"; empty if there are none.
    fileprivate static func text(_ all: [Self]) -> String {
        let count = all.reduce(0) { $0 + $1.count }
        guard count > 0 else { return "" }
        let about = all.allSatisfy(\.isExact) ? "" : "about "
        let examples = all.flatMap(\.examples).prefix(max(3, all.map(\.examples.count).max() ?? 0))
        let more = count > examples.count ? ", …" : ""
        return
            "; \(about)\(count.grouped) of the ids exist nowhere: \(examples.map(\.description).joined(separator: ", "))\(more)"
    }
}
