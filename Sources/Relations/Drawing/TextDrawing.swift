/// Draws the import order as text for people.
struct TextDrawing {
    let drawing: GraphDrawing
    /// The column widths of the names and of the counts.
    private let widths: (name: Int, count: Int)

    init(drawing: GraphDrawing) {
        self.drawing = drawing
        let names = drawing.graph.collections
        widths = (
            names.map { TextWidth.columns($0.oneLine) }.max() ?? 0,
            names.compactMap { drawing.recordCount(of: $0)?.grouped.count }.max() ?? 0
        )
    }

    var text: String {
        var lines: [String] = []
        let numberWidth = String(drawing.graph.importOrder.count).count + 1
        for (index, group) in drawing.graph.importOrder.enumerated() {
            let number = TextWidth.padded("\(index + 1).", to: numberWidth, atStart: true)
            let indent = String(repeating: " ", count: numberWidth)
            if group.isCycle {
                lines.append(
                    "\(number) cycle of \(group.collections.count): imported as one group, "
                        + "its references are verified afterwards")
            }
            for collection in group.collections {
                lines.append(
                    "\(group.isCycle ? indent + "  " : number) \(title(of: collection, inCycle: group.isCycle))")
                let references = drawing.graph.references(from: collection)
                lines += references.map { "\(indent)   \(group.isCycle ? "  " : "")\(line(for: $0))" }
            }
        }
        for (absence, title) in [(GraphDrawing.Absence.missing, "Missing:"), (.leftOut, "Left out:")] {
            let absent = drawing.absentCollections(absence).map(\.name)
            if !absent.isEmpty { lines.append(title) }
            for collection in absent {
                let users = drawing.graph.missingTargets.filter { $0.target.hasSameBytes(as: collection) }
                    .map { "\($0.collection).\($0.path)".oneLine }
                lines.append(
                    "  \(collection.oneLine), which \(users.listed("and")) \(users.count == 1 ? "refers" : "refer") to")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func title(of collection: String, inCycle: Bool) -> String {
        let name = collection.oneLine
        guard let count = drawing.recordCount(of: collection) else { return name }
        let number = TextWidth.padded(count.grouped, to: widths.count, atStart: true)
        let width = widths.name + (inCycle || drawing.graph.cycles.isEmpty ? 0 : 2)
        return "\(TextWidth.padded(name, to: min(width, 50)))  \(number) \(count == 1 ? "record" : "records")"
    }

    private func line(for reference: Reference) -> String {
        var notes: [String] = []
        if reference.isMany { notes.append("many") }
        if reference.isOptional { notes.append("optional") }
        if let condition = reference.condition { notes.append("where \(condition)") }
        if reference.isSelfReference { notes.append("itself") }
        if drawing.graph.isInCycle(reference) { notes.append("in the cycle") }
        if let absence = drawing.absence(of: reference) { notes.append(absence.rawValue) }
        let note = notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"
        return "\(reference.path) → \(reference.targetDescription)\(note)".oneLine
    }
}
