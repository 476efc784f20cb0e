/// The graph for programs.
struct JSONDrawing {
    let drawing: GraphDrawing

    var text: String {
        let graph = drawing.graph
        let collections = graph.collections.map { name in
            JSONText.object([
                ("name", .string(name)), ("records", drawing.recordCount(of: name).map(JSONText.number)),
                ("group", graph.group(of: name).map(JSONText.number)),
            ])
        }
        let references = graph.references.map { reference in
            JSONText.object([
                ("collection", .string(reference.collection)), ("path", .string(reference.path.description)),
                ("target", .string(reference.target)),
                ("targetPath", reference.targetPath == .id ? nil : .string(reference.targetPath.description)),
                ("cardinality", .string(reference.isMany ? "many" : "one")),
                ("optional", reference.isOptional ? .bool(true) : nil),
                ("when", reference.condition.map(condition)),
                ("inCycle", graph.isInCycle(reference) ? .bool(true) : nil),
                ("missing", drawing.isMissing(reference) ? .bool(true) : nil), ("found", .string(reference.found)),
            ])
        }
        return JSONText.object([
            ("collections", .array(collections)), ("references", .array(references)),
            ("importOrder", .array(graph.importOrder.map { .array($0.collections.map(JSONText.string)) })),
            ("cycles", .array(graph.cycles.map { .array($0.map(JSONText.string)) })),
            ("missingTargets", .array(drawing.missingCollections.map(JSONText.string))),
        ]).indented + "\n"
    }

    private func condition(_ condition: ReferenceCondition) -> JSONText {
        let value: JSONText =
            switch condition.value {
            case .string(let text): .string(text)
            case .bool(let flag): .bool(flag)
            default: .number(condition.value.integer ?? 0)
            }
        return .object([("field", .string(condition.field)), ("equals", value)])
    }
}
