import Relations

/// References from the same path; a value has to satisfy one of them.
struct ReferenceGroup: Sendable {
    let references: [Reference]
    var collection: String { references[0].collection }

    static func groups(of references: [Reference]) -> [ReferenceGroup] {
        struct Start: Hashable {
            let collection: ExactName
            let path: FieldPath
        }
        var groups: [ReferenceGroup] = []
        // The groups of those without a condition.
        var places: [Start: Int] = [:]
        for reference in references.sorted() {
            let start = Start(collection: ExactName(reference.collection), path: reference.path)
            if reference.condition == nil, let place = places[start] {
                groups[place] = ReferenceGroup(references: groups[place].references + [reference])
                continue
            }
            if reference.condition == nil { places[start] = groups.count }
            groups.append(ReferenceGroup(references: [reference]))
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
