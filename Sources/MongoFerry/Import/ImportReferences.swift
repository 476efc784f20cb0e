import BackupFile
import Relations

/// Checks the references of what an import writes.
struct ImportReferences {
    let references: [Reference]
    let plan: ImportPlan
    let survey: FileSurvey
    /// The names of collections that are not in the plan: those under which the whole file would be imported.
    let otherNames: FileNames
    /// Whether the survey's hashes are those of the `_id`s to be written; some legacy rows may be set aside.
    let knowsIDs: Bool
    let isReplace: Bool
    let connection: Connection
    let operation: OperationContext

    /// - Parameters:
    ///   - tallied: the outcomes of references that were checked while their documents were read or written, by
    ///     collection.
    ///   - areAllTaken: whether the server has taken all documents; otherwise the file does not tell which exist, and
    ///     `tallied` does not count.
    /// - Throws: ``MongoError``; `CancellationError`.
    func check(_ tallied: [String: [ReferenceOutcome]], areAllTaken: Bool) throws -> [ReferenceOutcome] {
        try check(references, tallied, areAllTaken, [:])
    }

    /// Checks what can be checked once everything is staged: references none of whose alternatives leads to a view, or
    /// to a collection that is replaced in place, whose documents are old or missing until then.
    /// - Parameter staging: the temporary names of staged collections, by their names in the file.
    /// - Throws: ``MongoError``; `CancellationError`.
    func checkStaged(
        _ tallied: [String: [ReferenceOutcome]], areAllTaken: Bool, staging: [String: String]
    ) throws -> [ReferenceOutcome] {
        let check = referenceCheck(names(\.databaseName))
        let later = plan.views.union(plan.steps.filter { $0.way == .inPlace }.map(\.databaseName))
        let ready = ReferenceGroup.groups(of: references).map(\.references)
            .filter { group in !group.contains { later.contains(check.databaseName($0.target)) } }.flatMap(\.self)
        return try self.check(ready.filter { staging[$0.collection] != nil }, tallied, areAllTaken, staging)
    }

    private func check(
        _ references: [Reference], _ tallied: [String: [ReferenceOutcome]], _ areAllTaken: Bool,
        _ staging: [String: String]
    ) throws -> [ReferenceOutcome] {
        let names = names { staging[$0.name] ?? $0.databaseName }
        var check = referenceCheck(names)
        let known = areAllTaken ? tallied.filter { names[ExactName($0.key)] != nil } : [:]
        if areAllTaken, knowsIDs { check.knownIDs = knownIDs() }
        let open = references.filter { names[ExactName($0.collection)] != nil && known[$0.collection] == nil }
        let checked = try operation.timed("verify references") { try check.run(open) }
        return (checked + known.values.joined()).sorted(by: ReferenceOutcome.precedes)
    }

    /// The references that can be checked while their documents are read or written.
    /// - Returns: nil if the file does not tell which documents will exist.
    func underWay() -> ReferencesUnderWay? {
        guard knowsIDs else { return nil }
        let names = names(\.databaseName)
        var check = referenceCheck(names)
        let knownIDs = knownIDs()
        check.knownIDs = knownIDs
        if isReplace { check.isKnownWhole = { knownIDs($0) != nil } }
        // Collections that are being written, and views on them, can be queried only when they are complete.
        let later = Set(
            references.filter {
                names[ExactName($0.target)] != nil && ($0.targetPath != .id || knownIDs($0.target) == nil)
                    || plan.views.contains(check.databaseName($0.target))
            }
            .map(\.collection))
        return ReferencesUnderWay(
            check: check,
            references: references.filter {
                names[ExactName($0.collection)] != nil && !later.contains($0.collection)
            },
            live: live)
    }

    /// The first reference of a written collection whose target the user cannot see; nil if there is none.
    var unseen: Reference? {
        guard plan.isPartlySeen else { return nil }
        let (names, live) = (names(\.databaseName), live)
        let check = referenceCheck(names)
        return references.first {
            names[ExactName($0.collection)] != nil && !live.contains(ExactName(check.databaseName($0.target)))
        }
    }

    /// The database's names of everything that is there or will be.
    private var live: Set<ExactName> { Set((plan.steps.map(\.databaseName) + plan.untouched).map(ExactName.init)) }

    private func knownIDs() -> @Sendable (String) -> RecordHashes? {
        let survey = survey
        // Measurements of a time series have no known ids, views have no rows, and a capped collection may not keep
        // all.
        let known = Set(
            plan.steps.filter { $0.way != .view && $0.entry.kind == .collection && !$0.mayBeCapped }
                .map { ExactName($0.name) })
        return { known.contains(ExactName($0)) ? survey.rows(of: $0)?.ids ?? RecordHashes() : nil }
    }

    /// The name of each of the plan's collections, by its name in the file.
    private func names(_ name: (ImportPlan.Step) -> String) -> [ExactName: String] {
        Dictionary(plan.steps.map { (ExactName($0.name), name($0)) }) { first, _ in first }
    }

    private func referenceCheck(_ names: [ExactName: String]) -> ReferenceCheck {
        let otherNames = otherNames
        var check = ReferenceCheck(connection: connection, operation: operation) {
            names[ExactName($0)] ?? otherNames.databaseName(of: $0)
        }
        check.isPartlySeen = plan.isPartlySeen
        return check
    }
}
