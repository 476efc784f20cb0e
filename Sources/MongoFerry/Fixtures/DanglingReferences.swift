import BackupFile
import Relations

/// References that lead nowhere, as an error that reads well where a test fails.
///
///     2 references lead nowhere in mongoferry_fixture_shop_674309ab_1f2e3d4c:
///       orders.customerId → customers: 2 of 120 values, such as {"$oid":"5c2a…"} in the document with _id 7
public struct DanglingReferences: Error, Sendable, CustomStringConvertible {
    /// The database that was looked at.
    public var database: String
    /// The references with values that lead nowhere; those that do not dangle are left out.
    public var references: [ReferenceOutcome]

    /// Values that lead nowhere, all references together.
    public var count: Int { references.reduce(0) { $0 + $1.dangling } }

    public var description: String {
        let lines = references.map { reference in
            var line = "\(reference.collection).\(reference.path) → \(reference.target): "
            line += "\(reference.dangling.grouped) of \(reference.checked.counted("value"))"
            if let example = reference.examples.first {
                line += ", such as \(JSONText.value(example.value).excerpt(IDText.longest)) in the document with _id "
                line += JSONText.value(example.documentID).excerpt(IDText.longest)
            }
            if reference.isTargetMissing { line += "; there is no collection \(reference.target)" }
            return "\n  " + line
        }
        return "\(count.counted("reference leads", "references lead")) nowhere in \(database):"
            + lines.joined()
    }
}
