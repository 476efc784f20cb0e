import Relations

/// References from the same path; a value has to satisfy one of them.
struct ReferenceGroup: Sendable {
    let references: [Reference]
    var collection: String { references[0].collection }
    var isConditional: Bool { references.count == 1 || references.contains { $0.condition != nil } }
    /// The references by which values are found: of alternatives at one path, the first finds all values.
    var leading: ArraySlice<Reference> { references.prefix(isConditional ? references.count : 1) }

    static func groups(of references: [Reference]) -> [ReferenceGroup] {
        var groups: [ReferenceGroup] = []
        for reference in references.sorted() {
            if let last = groups.last, reference.condition == nil, let first = last.references.first,
                first.condition == nil, first.collection.hasSameBytes(as: reference.collection),
                first.path == reference.path
            {
                groups[groups.count - 1] = ReferenceGroup(references: last.references + [reference])
            } else {
                groups.append(ReferenceGroup(references: [reference]))
            }
        }
        return groups
    }

    var outcome: ReferenceOutcome {
        ReferenceOutcome(
            collection: collection, path: references[0].path.description,
            target: references.map(\.targetDescription).joined(separator: " or "),
            targetNames: references.map(\.target),
            condition: references[0].condition?.description,
            conditionField: references[0].condition?.field, isConfigured: references[0].isConfigured,
            isOptional: references.allSatisfy(\.isOptional))
    }
}
