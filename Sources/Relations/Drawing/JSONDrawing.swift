/// Draws the graph as JSON for programs.
struct JSONDrawing {
    let drawing: GraphDrawing

    var text: String {
        let graph = drawing.graph
        let collections = graph.collections.map { name in
            JSONTree.object([
                ("name", .string(name)), ("records", drawing.recordCount(of: name).map(JSONTree.number)),
                ("group", graph.group(of: name).map(JSONTree.number)),
            ])
        }
        let references = graph.references.map { reference in
            JSONTree.object([
                ("collection", .string(reference.collection)), ("path", .string(reference.path.description)),
                ("target", .string(reference.target)),
                ("targetPath", reference.targetPath == .id ? nil : .string(reference.targetPath.description)),
                ("cardinality", .string(reference.isMany ? "many" : "one")),
                ("optional", reference.isOptional ? .bool(true) : nil),
                ("when", reference.condition.map(condition)),
                ("inCycle", graph.isInCycle(reference) ? .bool(true) : nil),
                ("missing", drawing.absence(of: reference) == .missing ? .bool(true) : nil),
                ("leftOut", drawing.absence(of: reference) == .leftOut ? .bool(true) : nil),
                ("found", .string(reference.found)),
            ])
        }
        return JSONTree.object([
            ("collections", .array(collections)), ("references", .array(references)),
            ("importOrder", .array(graph.importOrder.map { .array($0.collections.map(JSONTree.string)) })),
            ("cycles", .array(graph.cycles.map { .array($0.map(JSONTree.string)) })),
            ("missingTargets", .array(drawing.absentCollections(.missing).map { .string($0.name) })),
            ("leftOutTargets", .array(drawing.absentCollections(.leftOut).map { .string($0.name) })),
        ]).indented + "\n"
    }

    private func condition(_ condition: ReferenceCondition) -> JSONTree {
        let value: JSONTree =
            switch condition.value {
            case .string(let text): .string(text)
            case .bool(let flag): .bool(flag)
            default: .number(condition.value.integer ?? 0)
            }
        return .object([("field", .string(condition.field)), ("equals", value)])
    }
}
