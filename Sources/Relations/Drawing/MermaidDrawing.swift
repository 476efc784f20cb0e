/// Draws the graph as a Mermaid flowchart, which GitHub and many editors show.
struct MermaidDrawing {
    let drawing: GraphDrawing

    var text: String {
        let graph = drawing.graph
        let absent = drawing.absentCollections()
        let all = graph.collections + absent.map(\.name)
        let nodes = Dictionary(uniqueKeysWithValues: all.enumerated().map { (ExactName($1), "c\($0)") })
        func node(_ name: String) -> String { nodes[ExactName(name)] ?? "" }
        var lines = ["flowchart LR"]
        for group in graph.importOrder {
            let titles = group.collections.map { name in
                let title = [name.mermaidText, drawing.records(of: name)].compactMap { $0 }.joined(separator: "<br/>")
                return "\(node(name))[\"\(title)\"]"
            }
            if group.isCycle {
                lines.append("    subgraph \(node(group.collections[0]))_cycle[\"cycle\"]")
                lines += titles.map { "        \($0)" }
                lines.append("    end")
            } else {
                lines += titles.map { "    \($0)" }
            }
        }
        lines += absent.map { name, absence in
            "    \(node(name))[\"\(name.mermaidText)<br/>\(absence.rawValue)\"]:::\(absence)"
        }
        for reference in graph.references {
            let arrow = graph.isInCycle(reference) ? "==>" : reference.isOptional ? "-.->" : "-->"
            let label = drawing.label(of: reference).mermaidText
            lines.append("    \(node(reference.collection)) \(arrow)|\"\(label)\"| \(node(reference.target))")
        }
        for (absence, colour) in [(GraphDrawing.Absence.missing, "#c00"), (.leftOut, "#888")]
        where absent.contains(where: { $0.absence == absence }) {
            lines.append("    classDef \(absence) stroke:\(colour),stroke-dasharray:4 4")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension String {
    /// Escapes the text for double quotes. Mermaid has no backslash escapes: special characters become Mermaid's
    /// entities.
    fileprivate var mermaidText: String {
        let entities: [Unicode.Scalar: String] = [
            "\"": "#quot;", "#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;",
        ]
        return oneLine.unicodeScalars.map { entities[$0] ?? String($0) }.joined()
    }
}
