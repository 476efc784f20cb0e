import BSON
import BackupFile
import MongoDriver
import Relations

/// Merges or inserts into the live collections, one after another.
struct Merge {
    let plan: ImportPlan
    /// The state of the database when the writing begins.
    let live: LiveCatalog
    let equal: EqualDocuments
    let loader: RowLoader
    let lock: ImportLock
    let key: DocumentKey
    let connection: Connection
    let operation: OperationContext

    struct Outcome {
        var collections: [CollectionOutcome] = []
        var loads: [RowLoader.Result] = []
        /// The outcomes of references that were checked while their documents were read or written, by collection.
        var references: [String: [ReferenceOutcome]] = [:]
        var refusedIndexes: [CollectionBuilder.RefusedIndex] = []
        var warnings: [String] = []
        /// The collections that were written or found equal, with their UUIDs.
        var written: [(step: ImportPlan.Step, uuid: Value)] = []
        /// The outcome so far of the collection that is being written, and its indexes that are tried again when its
        /// documents are there.
        fileprivate var part: CollectionOutcome?
        fileprivate var waiting: [CollectionBuilder.RefusedIndex] = []

        fileprivate mutating func note(refused: [CollectionBuilder.RefusedIndex]) {
            refusedIndexes += refused
            warnings += refused.map(\.warning)
        }
    }

    /// Tries out what the server will have to create.
    /// - Throws: ``FerryError`` for what it will refuse; ``MongoError``; `CancellationError`.
    func tryOut() throws {
        try checkViews()
        try tryOutDefinitions()
    }

    /// - Parameter outcome: what was done, also if this throws.
    /// - Throws: ``FerryError`` with what was done before; if the lock was lost.
    func run(_ outcome: inout Outcome) throws {
        for step in plan.steps {
            outcome.part = nil
            outcome.waiting = []
            do {
                try operation.cancellation.check()
                try write(step, &outcome)
            } catch {
                throw stopped(error, at: step, &outcome)
            }
        }
        // Another import may have written meanwhile, so that equal documents may no longer be equal.
        try lock.check()
    }

    /// Writes one collection, unless it is equal.
    private func write(_ step: ImportPlan.Step, _ outcome: inout Outcome) throws {
        let present = present(step)
        if live[step.databaseName] == nil {
            try create(step)
            if let kept = step.kept { try noteMade(kept) }
        }
        let uuid =
            try step.way == .view ? nil : step.live.collection?.uuid ?? connection.uuid(ofExisting: step.databaseName)
        // What prevents an index, such as duplicates or a wrong location, may be in documents that the merge corrects.
        outcome.waiting = try build(step, present: present) { !step.comesAfterTheDocuments($0) }
        guard step.way != .view else { return }
        if let (whole, references) = equal.whole(step) {
            outcome.note(refused: outcome.waiting)
            outcome.collections.append(whole)
            outcome.references[step.name] = references
            if let uuid = step.live.collection?.uuid { outcome.written.append((step, uuid)) }
            return
        }
        var loader = loader
        if !step.wasEmpty { loader.references = nil }
        let result = try loader.load(
            step.name, into: connection.namespace(step.databaseName), step.writeWay(by: key, in: connection.database),
            writers: step.isWrittenInOrder ? 1 : nil, known: equal.knownRows(step, loader.survey),
            whereStopped: { outcome.part = $0 })
        outcome.part = result.outcome
        if result.hasTooManyExchanges {
            outcome.warnings.append(
                "\(step.databaseName): of the documents that were refused at first, mostly for a value of a unique index that another has, \(SecondAttempt.Room.text) were tried again when all others were written, and no more can be at once; importing the rejected ones by themselves tries as many more, and --mode replace takes all"
            )
        }
        if step.wasEmpty {
            outcome.references[step.name] = result.references
            outcome.note(refused: try build(step, present: present) { step.comesAfterTheDocuments($0) })
        }
        let refused = Set(outcome.waiting.map { CollectionDifferences.name(of: $0.index) })
        outcome.note(
            refused: try build(step, present: present) { refused.contains(CollectionDifferences.name(of: $0)) })
        outcome.collections.append(result.outcome)
        outcome.loads.append(result)
        if let uuid { outcome.written.append((step, uuid)) }
    }

    /// Checks conflicts that servers report only when a view gets its name (a time series is a view to them): existing
    /// views may be based on it.
    private func checkViews() throws {
        let new = plan.steps.filter {
            live[$0.databaseName] == nil && ($0.way == .view || $0.entry.kind == .timeseries)
        }
        guard !new.isEmpty else { return }
        let existing = live.collections.filter { $0.kind != .collection }.map { (name: $0.name, options: $0.options) }
        let atLast = ViewSources(existing + new.map { (name: $0.databaseName, options: $0.entry.options) })
        try atLast.check(new, "cannot be created")
    }

    /// Has the server create what it will have to create, under this run's own names, so that nothing it refuses is
    /// found only when half of the file is written. Every server accepts a collection without options.
    private func tryOutDefinitions() throws {
        let steps = plan.steps.filter { live[$0.databaseName] == nil && !$0.entry.options.isEmpty }
        guard !steps.isEmpty else { return }
        try ImportPrivileges(connection: connection, mark: lock.mark).checkDropping()
        let (database, cancellation, lock) = (connection.database, operation.cancellation, lock)
        let trial = OwnNames.trial(lock.mark)
        _ = try connection.answers(for: Array(steps.enumerated())) { client, item in
            try cancellation.check()
            let name = "\(trial)\(item.offset)"
            do {
                try CollectionBuilder(
                    client: client, database: database, cancellation: cancellation,
                    writeConcern: WriteConcern(.nodes(1)),
                    lock: lock
                ).create(item.element.entry, as: name)
                try client.drop(Namespace(database, name), writeConcern: WriteConcern(.nodes(1)))
            } catch {
                var fault = FerryError(explaining: error)
                do {
                    try client.drop(Namespace(database, name), writeConcern: WriteConcern(.nodes(1)))
                } catch {
                    // A user without the privilege to create it may also lack the one to drop it.
                    if client.mayHave([name], in: database) {
                        fault.details.append(
                            "\(name), in which the options were tried out, may be there still; the next import removes it."
                        )
                    }
                }
                throw fault
            }
        }
    }

    private func builder(_ client: Client) -> CollectionBuilder {
        CollectionBuilder(
            client: client, database: connection.database, cancellation: operation.cancellation, lock: lock)
    }

    /// The error for a collection whose writing stopped, with what was done before.
    private func stopped(_ error: any Error, at step: ImportPlan.Step, _ outcome: inout Outcome) -> FerryError {
        let written = outcome.collections.map(\.name)
        let done = plan.steps.filter { written.contains($0.name) }.map(\.databaseName.oneLine)
        if let part = outcome.part { outcome.collections.append(part) }
        outcome.note(refused: outcome.waiting)
        let cause = FerryError(explaining: error)
        let name = "\(step.databaseName): "
        let hasWritten = outcome.part.map { $0.inserted + $0.updated > 0 } ?? false
        let begun = hasWritten ? "Written in part" : "Begun, with no document known to be written"
        return FerryError(
            cause.text.hasPrefix(name) ? cause.text : name + cause.text,
            kind: cause.kind == .interrupted ? cause.kind : .failed,
            details: cause.details + [
                "Done: \(done.isEmpty ? "none" : done.joined(separator: ", ")). \(begun): \(step.databaseName.oneLine)."
            ],
            advice: cause.advice
                + ((error as? MongoError)?.isUnauthorized == true
                    ? [] : ["Run the import again: it goes on where this one stopped."]),
            underlying: cause.underlying)
    }

    private func noteMade(_ kept: KeptDefinitions.Entry) throws {
        try connection.withClient {
            try lock.definitions($0, of: connection.database).noteMade(kept)
        }
    }

    private func create(_ step: ImportPlan.Step) throws {
        try connection.withClient { client in
            try builder(client).create(step.entry, as: step.databaseName)
        }
    }

    /// The names of the indexes that need not be built. For a file without metadata, these are all that exist, even if
    /// another program is still building them.
    private func present(_ step: ImportPlan.Step) -> Set<ExactName> {
        guard let contents = live.contents[step.databaseName] else { return [] }
        guard loader.reader.metadata != nil else { return Set(contents.indexes.map(CollectionDifferences.name)) }
        let built = contents.indexes.filter { contents.builtIndexes.contains(CollectionDifferences.name(of: $0)) }
        let otherwiseNamed = step.entry.indexes.filter {
            !contents.builtIndexes.contains(CollectionDifferences.name(of: $0))
                && CollectionDifferences.otherName(of: $0, in: built) != nil
        }
        return contents.builtIndexes.union(otherwiseNamed.map(CollectionDifferences.name))
    }

    /// Builds the indexes that are wanted now and do not exist yet.
    /// - Returns: those that the server refused.
    private func build(
        _ step: ImportPlan.Step, present: Set<ExactName>, indexes isWanted: (Document) -> Bool
    ) throws -> [CollectionBuilder.RefusedIndex] {
        guard step.way != .view else { return [] }
        let missing = step.entry.indexes.filter {
            !present.contains(CollectionDifferences.name(of: $0)) && isWanted($0)
        }
        guard !missing.isEmpty else { return [] }
        return try connection.withClient { client in
            try builder(client).build(
                missing, on: step.databaseName, step.entry.kind,
                inheriting: step.hidesOptions ? ["locale": "simple"] : step.optionsWhereKept["collation"])
        }
    }
}
