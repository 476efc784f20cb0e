/// Values at the path of conditional references that meet none of the conditions, so that nobody has looked for their
/// targets.
struct UnmetConditions: Equatable, CustomStringConvertible {
    let collection: String
    let path: String
    /// The field beside the values that should say where they lead.
    let field: String
    let count: Int
    /// The number of all values at the path.
    let total: Int
    /// Whether the user wrote the conditions, and may have left these values out on purpose.
    let isConfigured: Bool

    /// - Returns: those paths at which some values meet no condition, sorted by collection and path.
    static func found(in outcomes: [ReferenceOutcome]) -> [UnmetConditions] {
        let conditional = outcomes.filter { $0.conditionField != nil }
        return Dictionary(grouping: conditional) { [$0.collection, $0.path] }.values.compactMap { cases in
            let total = cases.map(\.valuesAtPath).max() ?? 0
            let count = total - cases.reduce(0) { $0 + $1.checked + $1.unchecked }
            guard count > 0, let first = cases.first, let field = first.conditionField else { return nil }
            return UnmetConditions(
                collection: first.collection, path: first.path, field: field, count: count, total: total,
                isConfigured: first.isConfigured)
        }
        .sorted { ($0.collection, $0.path) < ($1.collection, $1.path) }
    }

    var description: String {
        let values = "\(count.grouped) of \(total.counted("value"))"
        return
            "\(collection).\(path): \(values) not checked: none of the reference's cases is what \(field) beside them says"
            .oneLine
    }
}

extension OperationContext {
    /// Warns of values that meet no condition. Where the user wrote the conditions, leaving values out may be intended
    /// as long as any are left.
    func tellUnmetConditions(_ outcomes: [ReferenceOutcome]) {
        for unmet in UnmetConditions.found(in: outcomes) {
            if unmet.isConfigured, unmet.count < unmet.total {
                info(unmet.description)
            } else {
                warning(unmet.description)
            }
        }
    }
}
