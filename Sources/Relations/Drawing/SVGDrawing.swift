/// Draws the graph as a picture that needs no other program.
struct SVGDrawing {
    let drawing: GraphDrawing

    var text: String {
        let layout = GraphLayout(drawing)
        let footer = 34.0
        var lines = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(number(layout.width))" \
            height="\(number(layout.height + footer))" viewBox="0 0 \(number(layout.width)) \(number(layout.height + footer))" \
            font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="12">
            """,
            "<rect width=\"100%\" height=\"100%\" fill=\"\(GraphColour.paper)\"/>",
            "<defs>",
        ]
        for (name, colour) in [
            ("line", GraphColour.line), ("cycle", GraphColour.cycle), ("dangling", GraphColour.dangling),
        ] {
            lines.append(
                "<marker id=\"\(name)\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"\(colour)\"/></marker>"
            )
        }
        lines.append("</defs>")
        // Lines first, so that boxes cover the lines that pass behind them.
        for box in layout.boxes {
            for (index, reference) in box.references.enumerated() {
                lines.append(edge(reference, from: box, line: index, layout))
            }
        }
        for box in layout.boxes { lines += self.box(box) }
        lines.append(
            "<text x=\"24\" y=\"\(number(layout.height + 12))\" fill=\"\(GraphColour.quiet)\">→ refers to; imported from left to right"
                + (drawing.graph.cycles.isEmpty ? "" : "; orange: cycle, one group")
                + (drawing.hasDangling ? "; red: dangling" : "") + "</text>")
        lines.append("</svg>")
        return lines.joined(separator: "\n") + "\n"
    }

    private func style(of reference: Reference) -> (colour: String, marker: String) {
        if drawing.danglingCount(of: reference) > 0 || drawing.absence(of: reference) == .missing {
            return (GraphColour.dangling, "dangling")
        }
        return drawing.graph.isInCycle(reference) ? (GraphColour.cycle, "cycle") : (GraphColour.line, "line")
    }

    /// A line from the reference's line in its box to the head of the target's box.
    private func edge(_ reference: Reference, from box: GraphLayout.Box, line: Int, _ layout: GraphLayout) -> String {
        guard let target = layout.box(reference.target) else { return "" }
        let (colour, marker) = style(of: reference)
        let fromY = box.y + GraphLayout.headHeight + (Double(line) + 0.5) * GraphLayout.lineHeight
        let toY = target.y + GraphLayout.headHeight / 2
        let path: String
        if target.column < box.column {
            let fromX = box.x
            let toX = target.x + target.width + 2
            let bend = max(40, (fromX - toX) / 2)
            path =
                "M\(number(fromX)) \(number(fromY))C\(number(fromX - bend)) \(number(fromY)) \(number(toX + bend)) \(number(toY)) \(number(toX)) \(number(toY))"
        } else {
            // The box itself, or one in the same cycle: around the right side.
            let fromX = box.x + box.width
            let toX = target.x + target.width + 2
            let reach = max(fromX, toX) + 36
            path =
                "M\(number(fromX)) \(number(fromY))C\(number(reach)) \(number(fromY)) \(number(reach)) \(number(toY)) \(number(toX)) \(number(toY))"
        }
        let dashes = reference.isOptional ? " stroke-dasharray=\"4 3\"" : ""
        let width = marker == "dangling" ? "2" : "1.3"
        let title = "\(reference.collection).\(drawing.label(of: reference)) → \(reference.targetDescription)"
        return
            "<path d=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(width)\"\(dashes) marker-end=\"url(#\(marker))\"><title>\(title.oneLine.escapedForPages)</title></path>"
    }

    private func box(_ box: GraphLayout.Box) -> [String] {
        let group = drawing.graph.group(of: box.name)
        let isInCycle = group.map { drawing.graph.importOrder[$0].isCycle } ?? false
        let stroke = box.absence == .missing ? GraphColour.dangling : isInCycle ? GraphColour.cycle : GraphColour.line
        let dashes = box.absence != nil ? " stroke-dasharray=\"5 3\"" : ""
        var lines = [
            "<rect x=\"\(number(box.x))\" y=\"\(number(box.y))\" width=\"\(number(box.width))\" height=\"\(number(box.height))\" rx=\"6\" fill=\"\(GraphColour.paper)\" stroke=\"\(stroke)\" stroke-width=\"1.3\"\(dashes)/>",
            "<text x=\"\(number(box.x + 12))\" y=\"\(number(box.y + 17))\" font-weight=\"bold\" fill=\"\(GraphColour.text)\">\(box.name.oneLine.escapedForPages)</text>",
            "<text x=\"\(number(box.x + 12))\" y=\"\(number(box.y + 32))\" font-size=\"11\" fill=\"\(GraphColour.quiet)\">\(box.absence?.rawValue ?? drawing.records(of: box.name) ?? "")</text>",
        ]
        for (index, reference) in box.references.enumerated() {
            let y = box.y + GraphLayout.headHeight + (Double(index) + 0.5) * GraphLayout.lineHeight + 4
            let colour = style(of: reference).colour == GraphColour.dangling ? GraphColour.dangling : GraphColour.text
            lines.append(
                "<text x=\"\(number(box.x + 12))\" y=\"\(number(y))\" fill=\"\(colour)\">\(drawing.pictureLabel(of: reference).escapedForPages)</text>"
            )
        }
        return lines
    }

    /// Rounded to a tenth, without a needless decimal point.
    private func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
    }
}

extension GraphDrawing {
    /// The text in the box: the path, and the number of its dangling values.
    func pictureLabel(of reference: Reference) -> String {
        let count = danglingCount(of: reference)
        let label = label(of: reference).oneLine
        return count > 0 ? "\(label): \(count.grouped) dangling" : label
    }
}
