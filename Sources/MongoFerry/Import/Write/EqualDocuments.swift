import BackupFile
import MongoDriver
import Relations

/// What a merge knows to be in the database already, byte for byte, before it writes.
struct EqualDocuments {
    private let contents: ContentHash?
    /// By the collections' names in the file.
    private var results: [String: LiveComparison.Result] = [:]

    /// Knows nothing.
    init() { contents = nil }

    /// Compares existing collections with the file if that is less work than looking up documents.
    /// - Throws: ``MongoError``; `CancellationError`.
    init(
        _ plan: ImportPlan, _ survey: FileSurvey, _ contents: ContentHash, _ connection: Connection, jobs: Int?,
        _ references: ReferencesUnderWay?, _ operation: OperationContext
    ) throws {
        self.contents = contents
        let collections = plan.steps.compactMap { step -> (rows: FileSurvey.Rows, namespace: Namespace)? in
            guard step.way == .merge, step.entry.kind == .collection, let live = step.liveCount,
                let rows = survey.rows(of: step.name),
                LiveComparison.isWorthwhile(records: rows.count, live: live)
            else { return nil }
            return (rows, connection.namespace(step.databaseName))
        }
        let comparison = LiveComparison(
            connection: connection, contents: contents, jobs: jobs, operation: operation, references: references,
            readConcern: connection.majorityReadConcern)
        results = try operation.timed("compare") { try comparison.run(collections) }
    }

    /// The outcome of a collection whose documents all exist unchanged, with its references' if they were checked; nil
    /// if some do not, or if that is unknown.
    func whole(_ step: ImportPlan.Step) -> (outcome: CollectionOutcome, references: [ReferenceOutcome]?)? {
        guard let compared = results[step.name], compared.equal.count == step.records else { return nil }
        var outcome = CollectionOutcome(name: step.name)
        outcome.read = step.records
        outcome.unchanged = step.records
        return (outcome, compared.outcomes)
    }

    /// The rows that a load of a collection may skip.
    func knownRows(_ step: ImportPlan.Step, _ survey: FileSurvey) -> KnownRows? {
        guard let compared = results[step.name], let contents, let rows = survey.rows(of: step.name) else { return nil }
        return KnownRows(ids: rows.ids, equal: compared.equal, contents: contents)
    }

    /// Another program has changed the collection since.
    mutating func forget(_ step: ImportPlan.Step) { results[step.name] = nil }
}
