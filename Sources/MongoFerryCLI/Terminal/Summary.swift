import BSON
import BackupFile
import Foundation
import MongoFerry
import Relations

/// The summary of what an operation did.
enum Summary {
    /// One row per collection and one for the total; nil if there are no collections.
    static func table(_ report: Report) -> Table? {
        guard !report.collections.isEmpty else { return nil }
        let outcomes = report.collections + [report.total]
        var columns = report.columns.map { column in
            Table.Column(
                title: column.title, cells: (column.counts + [column.total]).map(\.grouped),
                isDispensable: column.isDispensable)
        }
        if report.operation != .verify {
            columns.append(Table.Column(title: "seconds", cells: outcomes.map { seconds($0.seconds) }))
            columns.append(
                Table.Column(
                    title: "rate", cells: outcomes.map { $0.rate.map { "\($0.grouped)/s" } ?? "" }, isDispensable: true)
            )
        }
        return Table(names: .init(title: "collection", cells: outcomes.map(\.name.oneLine)), columns: columns)
    }

    static func seconds(_ value: Double) -> String { String(format: "%.1f", value) }

    /// `payments.policyId → policies: 1,200 values, all there`
    static func sound(_ reference: ReferenceOutcome) -> String {
        var parts: [String] = []
        if reference.checked > 0 {
            parts.append(reference.checked.counted("value, which is there", "values, all there"))
        } else if reference.unchecked == 0, reference.valuesAtPath > 0 {
            parts.append("of \(reference.valuesAtPath.counted("value")) none meets the condition")
        } else if reference.unchecked == 0 {
            parts.append("no document has a value at this path")
        }
        if reference.unchecked > 0 {
            parts.append(
                "\(reference.unchecked.counted("value")) not checked, since \(reference.reasonNotChecked)"
            )
        } else if reference.isTargetMissing {
            parts.append("\(reference.target) does not exist")
        }
        return place(reference) + ": " + parts.joined(separator: "; ")
    }

    private static func place(_ reference: ReferenceOutcome) -> String {
        let condition = reference.condition.map { " (where \($0))" } ?? ""
        return "\(reference.collection).\(reference.path) → \(reference.target)\(condition)".oneLine
    }

    /// `auditlogs (excluded by --exclude auditlogs), of policies what {"status":"active"} does not match`; nil if
    /// nothing was left out.
    static func leftOut(_ report: Report) -> String? {
        let parts =
            report.excluded.map { "\(BackupMetadata.shown($0.name)) (\($0.reason))".oneLine }
            + report.queries.map { "of \(BackupMetadata.shown($0.name)) what \($0.query) does not match".oneLine }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// The dangling references, with examples.
    /// - Parameter withOptional: whether to include references that may dangle.
    static func references(_ report: Report, withOptional: Bool = true) -> [String] {
        report.references.filter { $0.dangling > 0 && (withOptional || !$0.isOptional) }.map { reference in
            let examples = reference.examples.prefix(3).map { example in
                "\(text(example.value)) in _id \(text(example.documentID))"
            }
            let note = reference.isTargetMissing ? ", which does not exist" : ""
            return
                "dangling\(reference.isOptional ? " (optional)" : ""): \(place(reference))\(note): \(reference.dangling.grouped) of \(reference.checked.grouped)"
                + (examples.isEmpty ? "" : ", such as \(examples.joined(separator: "; "))")
        }
    }

    private static func text(_ value: Value) -> String { JSONText.value(value).excerpt(200) }

    /// The first 20 rejected rows, and the number of the others.
    static func rejections(_ report: Report) -> [String] {
        var lines = report.rejections.prefix(20).map { rejection in
            var parts: [String] = []
            if let line = rejection.line { parts.append("line \(line)") }
            if let collection = rejection.collection { parts.append(collection.oneLine) }
            if let id = rejection.id { parts.append("_id \(id.excerpt(100))") }
            // A problem of the whole file has no position.
            return parts.isEmpty ? rejection.reason : parts.joined(separator: ", ") + ": " + rejection.reason
        }
        if report.rejectionCount > lines.count {
            lines.append("… and \((report.rejectionCount - lines.count).grouped) more")
        }
        return lines
    }
}
