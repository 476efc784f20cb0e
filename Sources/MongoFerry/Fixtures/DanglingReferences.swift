import BackupFile
import Relations

/// Dangling references, as an error that reads well in a failed test.
///
///     2 references lead nowhere in mongoferry_fixture_shop_674309ab_1f2e3d4c:
///       orders.customerId → customers: 2 of 120 values, such as {"$oid":"5c2a…"} in the document with _id 7
public struct DanglingReferences: Error, Sendable, CustomStringConvertible {
    /// The database that was checked.
    public var database: String
    /// The references that have dangling values.
    public var references: [ReferenceOutcome]

    /// The number of dangling values of all references.
    public var count: Int { references.reduce(0) { $0 + $1.dangling } }

    public var description: String {
        let lines = references.map { reference in
            var line = "\(reference.collection).\(reference.path) → \(reference.target): "
            line += "\(reference.dangling.grouped) of \(reference.checked.counted("value"))"
            if let example = reference.examples.first {
                line += ", such as \(example.valueJSON.excerpt(IDText.longest)) in the document with _id "
                line += example.documentIDJSON.excerpt(IDText.longest)
            }
            if reference.isTargetMissing { line += "; there is no collection \(reference.target)" }
            return "\n  " + line
        }
        return "\(count.counted("reference leads", "references lead")) nowhere in \(database):"
            + lines.joined()
    }
}
