/// Draws the graph in the language of Graphviz.
struct DOTDrawing {
    let drawing: GraphDrawing

    var text: String {
        let graph = drawing.graph
        var lines = ["digraph references {", "    rankdir=LR;", "    node [shape=box];"]
        for (index, group) in graph.importOrder.enumerated() {
            let nodes = group.collections.map { name in
                let title = [name.dotText, drawing.records(of: name)].compactMap { $0 }.joined(separator: "\\n")
                return "\"\(name.dotText)\" [label=\"\(title)\"];"
            }
            if group.isCycle {
                lines.append("    subgraph cluster_\(index + 1) {")
                lines.append("        label=\"cycle\"; color=orange;")
                lines += nodes.map { "        \($0)" }
                lines.append("    }")
            } else {
                lines += nodes.map { "    \($0)" }
            }
        }
        lines += drawing.absentCollections().map { name, absence in
            let colour = absence == .missing ? "red" : "gray"
            return
                "    \"\(name.dotText)\" [label=\"\(name.dotText)\\n\(absence.rawValue)\", color=\(colour), style=dashed];"
        }
        for reference in graph.references {
            var attributes = ["label=\"\(drawing.label(of: reference).dotText)\""]
            if reference.isOptional { attributes.append("style=dashed") }
            if graph.isInCycle(reference) { attributes.append("color=orange") }
            if drawing.absence(of: reference) == .missing { attributes.append("color=red") }
            let ends = "\"\(reference.collection.dotText)\" -> \"\(reference.target.dotText)\""
            lines.append("    \(ends) [\(attributes.joined(separator: ", "))];")
        }
        return (lines + ["}"]).map { $0 + "\n" }.joined()
    }
}

extension String {
    /// Escapes the text for double quotes. Backslashes are doubled, since labels read `\n` and `\l` as line breaks.
    fileprivate var dotText: String {
        oneLine.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
    }
}
