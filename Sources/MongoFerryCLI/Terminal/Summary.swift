import Foundation
import MongoFerry

/// The table at the end of an operation.
enum Summary {
    static func lines(_ report: Report) -> [String] {
        let columns: [(String, (CollectionOutcome) -> String)]
        switch report.operation {
        case "export": columns = [("records", { "\($0.read)" }), ("seconds", { seconds($0.seconds) })]
        case "verify": columns = [("read", { "\($0.read)" }), ("rejected", { "\($0.rejected)" })]
        default:
            columns = [
                ("read", { "\($0.read)" }), ("inserted", { "\($0.inserted)" }), ("updated", { "\($0.updated)" }),
                ("unchanged", { "\($0.unchanged)" }), ("deleted", { "\($0.deleted)" }),
                ("rejected", { "\($0.rejected)" }),
                ("seconds", { seconds($0.seconds) }),
            ]
        }
        guard !report.collections.isEmpty else { return [] }
        var total = report.totals
        total.seconds = report.seconds
        let outcomes = report.collections + [total]
        var rows = [["collection"] + columns.map(\.0)]
        rows += outcomes.map { outcome in [outcome.name.oneLine] + columns.map { $0.1(outcome) } }
        let widths = rows[0].indices.map { index in rows.map { $0[index].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { index, text in
                let blanks = String(repeating: " ", count: widths[index] - text.count)
                return index == 0 ? text + blanks : blanks + text
            }.joined(separator: "  ")
        }
    }

    static func seconds(_ value: Double) -> String { String(format: "%.1f", value) }

    /// `payments.policyId → policies: 1200 values, all there`
    static func sound(_ reference: ReferenceOutcome) -> String {
        var parts: [String] = []
        if reference.checked > 0 || reference.unchecked == 0 { parts.append("\(reference.checked) values, all there") }
        if reference.unchecked > 0 {
            parts.append(
                "\(reference.unchecked) values not checked, since \(reference.target) was left out of the file")
        } else if reference.isTargetMissing {
            parts.append("\(reference.target) does not exist")
        }
        return place(reference) + ": " + parts.joined(separator: "; ")
    }

    private static func place(_ reference: ReferenceOutcome) -> String {
        let condition = reference.condition.map { " (where \($0))" } ?? ""
        return "\(reference.collection).\(reference.path) → \(reference.target)\(condition)".oneLine
    }

    /// What dangles, with examples.
    static func references(_ report: Report) -> [String] {
        report.references.filter { $0.dangling > 0 }.map { reference in
            let examples = reference.examples.prefix(3).map { example in
                "\(JSONLine.text(example.value)) in _id \(JSONLine.text(example.documentID))"
            }
            let note = reference.isTargetMissing ? ", which does not exist" : ""
            return
                "dangling\(reference.isOptional ? " (optional)" : ""): \(place(reference))\(note): \(reference.dangling) of \(reference.checked)"
                + (examples.isEmpty ? "" : ", such as \(examples.joined(separator: "; "))")
        }
    }

    /// The first rejected rows in full.
    static func rejections(_ report: Report) -> [String] {
        var lines = report.rejections.prefix(20).map { rejection in
            var parts: [String] = []
            if let line = rejection.line { parts.append("line \(line)") }
            if let collection = rejection.collection { parts.append(collection.oneLine) }
            if let id = rejection.id { parts.append("_id \(id.prefix(100))") }
            return parts.joined(separator: ", ") + ": " + rejection.reason
        }
        if report.rejectionCount > lines.count { lines.append("… and \(report.rejectionCount - lines.count) more") }
        return lines
    }
}

extension String {
    /// Without line ends and controls, which names may have.
    var oneLine: String {
        unicodeScalars.contains { $0.value < 0x20 } ? debugDescription : self
    }
}
