import BSON
import BackupFile
import MongoDriver
import Relations

/// Drops and loads collections that cannot, or are not to, be swapped.
extension Replacement {
    /// - Parameter progress: receives what remains of the collection if this throws.
    func replaceInPlace(_ step: ImportPlan.Step, _ outcome: inout Outcome, _ progress: inout SwapProgress) throws {
        // If the outcome of an insert is unknown, measurements can be written exactly once only by starting again.
        var kept = definitionToKeep(of: step)
        var wasRepeated = false
        var made: Value?
        try Repeating.run { isAgain in
            if isAgain {
                wasRepeated = true
                try lock.settle(step.databaseName, operation.cancellation)
                if progress.remains != .whole { progress.strangers += try countStrangers(in: step) }
            }
            kept.isOpen = true
            outcome.part = nil
            let uuid = try makeAnew(step, kept, &progress)
            kept = try connection.withClient {
                try lock.definitions($0, of: connection.database).note(kept, made: uuid)
            }
            made = uuid
            let rejected = loader.rejections.count
            do {
                try fill(step, step.databaseName, &outcome)
            } catch let error as MongoError where loader.rejections.count > rejected || error.isWriteConcernTimeout {
                // A repetition would report rejected documents twice, or wait as long again.
                throw FerryError(explaining: error)
            }
        }
        try checkCount(ofLive: step, wasRepeated: wasRepeated, &outcome)
        try buildExpiring(step, step.databaseName, &outcome)
        if let made, try connection.uuid(of: step.databaseName) != made {
            throw FerryError("\(step.databaseName) was dropped or replaced by another program while it was loaded")
        }
        progress.remains = .whole
        if let made { outcome.made.append((step, made)) }
    }

    /// The number of documents that other programs have written to a collection of which a part is loaded, and that
    /// will be dropped with it: those whose `_id`s the file does not have. Measurements tell no more than their number.
    private func countStrangers(in step: ImportPlan.Step) throws -> Int {
        // The old one, if its drop was not carried out: its documents are counted already.
        guard try connection.uuid(of: step.databaseName) != step.live.collection?.uuid else { return 0 }
        return try connection.withClient { client in
            let namespace = connection.namespace(step.databaseName)
            let count = try client.countStored(in: namespace)
            guard step.entry.kind == .collection, let ids = loader.survey.rows(of: step.name)?.ids else {
                return max(0, count - step.records)
            }
            guard count > 0 else { return 0 }
            var strangers = 0
            let options = FindOptions(projection: ["_id": 1], readPreference: .primary)
            try client.find(namespace, [:], options: options).forEach { document in
                if let id = document.first, !ids.contains(IDHash.hash(id)) { strangers += 1 }
            }
            return strangers
        }
    }

    /// Records the UUIDs of what was swapped in, before the rest takes its time. If they cannot be read, this warns and
    /// the replacement goes on: half of a restore is worse.
    func noteSwapped(_ steps: [ImportPlan.Step], _ outcome: inout Outcome) {
        guard !steps.isEmpty else { return }
        do {
            let now = CollectionIdentities(
                try connection.withClient {
                    try $0.listCollections(in: connection.database, readPreference: .primary)
                })
            outcome.made += steps.compactMap { step in
                // Gone already: no collection ever has this one.
                guard now[step.databaseName] != nil else { return (step, .bool(false)) }
                return now.uuid(of: step.databaseName).map { (step, $0) }
            }
        } catch {
            operation.warning(
                "whether other programs drop or replace what is new already will not be seen: \(FerryError(explaining: error).text)"
            )
        }
    }

    /// Whether the options and indexes exist only in the live collection.
    private func mustKeepDefinition(of step: ImportPlan.Step) -> Bool {
        step.way == .inPlace && loader.reader.metadata == nil
            && !(step.entry.options.isEmpty && step.entry.indexes.isEmpty)
    }

    /// The record to keep. One that an interrupted import kept is continued, with the collections which that import
    /// created.
    private func definitionToKeep(of step: ImportPlan.Step) -> KeptDefinitions.Entry {
        // By now, the step's own definition has refused indexes as well.
        let isInPart =
            step.keptBefore?.isInPart(isThere: step.live.collection != nil, uuid: step.live.collection?.uuid) ?? false
        let interrupted = step.kept.flatMap { $0.isOfRefused ? nil : $0 } ?? (isInPart ? step.keptBefore : nil)
        var entry = interrupted ?? KeptDefinitions.Entry(definition: step.entry, source: step.live.collection?.uuid)
        entry.definition = step.entry
        // Without live types, perhaps because of --no-infer, the ones kept before still apply.
        if let types = liveTypes[step.name] { entry.types = types }
        entry.file = loader.reader.metadata.map { _ in loader.reader.seal?.sha256 ?? "" }
        entry.rows = loader.survey.rows(of: step.name)?.count
        return entry
    }

    /// Drops a collection and creates it empty.
    ///
    /// A drop that no majority has acknowledged may be rolled back, entirely or, for a time series, only for its
    /// storage: what exists then is not new, even with the same options.
    /// - Returns: the UUID of the new collection; nil if the user may not see it.
    private func makeAnew(
        _ step: ImportPlan.Step, _ kept: KeptDefinitions.Entry, _ progress: inout SwapProgress
    ) throws -> Value? {
        for _ in 0..<Self.drops {
            // This shows that a majority still acknowledges the primary's writes, which makes a rollback unlikely.
            try lock.confirm()
            let old = try connection.withClient {
                try CollectionIdentities.all(behind: step.databaseName, in: connection.database, $0)
            }
            try drop(step, old, kept, &progress)
            try connection.withClient { client in
                try builder(client).create(
                    step.entry, as: step.databaseName, clearingFor: lock, &progress.strangers)
            }
            let made = try connection.uuid(ofExisting: step.databaseName)
            guard let made, old.contains(made) else { return made }
        }
        throw FerryError(
            "\(step.databaseName) was dropped \(Self.drops) times, and each time the server had it again: members of its set may be failing in turn",
            advice: ["rs.status() in mongosh shows how they are. Run the import again when they are well."])
    }

    private static let drops = 5

    /// - Parameter old: the UUIDs of what is to be dropped.
    private func drop(
        _ step: ImportPlan.Step, _ old: [Value], _ entry: KeptDefinitions.Entry, _ progress: inout SwapProgress
    ) throws {
        try connection.withClient { client in
            let kept = lock.definitions(client, of: connection.database)
            let strangersBefore = progress.strangers
            try kept.keep(entry)
            do {
                // A majority acknowledges it together with the command that creates it again, so that another program's
                // insert is unlikely to come in between.
                try client.drop(
                    connection.namespace(step.databaseName), writeConcern: WriteConcern(.nodes(1)),
                    operation.cancellation
                ) {
                    // It may or may not be gone.
                    progress.remains = .incomplete
                    try lock.settle(step.databaseName, operation.cancellation)
                    let now = try CollectionIdentities.uuid(of: step.databaseName, in: connection.database, client)
                    if let now, !old.contains(now) {
                        // Each attempt counts them anew.
                        progress.strangers =
                            try strangersBefore + client.countStored(in: connection.namespace(step.databaseName))
                    }
                } beforeEach: {
                    try lock.check()
                }
                progress.remains = .incomplete
                if step.hasOrphanedStorage { try dropStorage(of: step.databaseName, client) }
            } catch let error as MongoError where error.isOfUnknownOutcome {
                progress.remains = .incomplete
                throw error
            } catch {
                // The drop was refused. At the first attempt, the collection is unchanged: complete, unless a record of
                // it was kept before.
                if progress.remains == .whole {
                    if let before = step.keptBefore {
                        try kept.keep(before)
                    } else {
                        try kept.forget(step.databaseName)
                    }
                }
                throw error
            }
        }
    }

    /// Drops the storage that an interrupted drop has left of a time series, once nothing else has the name: a server
    /// then takes the name for the storage's (6.0.5).
    func dropStorage(of name: String, _ client: Client) throws {
        guard try CollectionIdentities.hasStorage(of: name, in: connection.database, client) else { return }
        try client.drop(connection.namespace(name), operation.cancellation) {
            try lock.settle(name, operation.cancellation)
        } beforeEach: {
            try lock.check()
        }
    }

    /// Checks the document count. Other programs see a live collection and may write to it while it is loaded; this is
    /// reported.
    /// - Parameter wasRepeated: whether it was loaded more than once.
    private func checkCount(ofLive step: ImportPlan.Step, wasRepeated: Bool, _ outcome: inout Outcome) throws {
        let isSeries = step.entry.kind == .timeseries && step.entry.options["expireAfterSeconds"] == nil
        guard Self.isCountable(step) || isSeries else { return }
        let loaded = outcome.loads.last?.outcome.inserted ?? 0
        // Measurements can be counted only by a scan.
        let count = try connection.withClient { try $0.countDocuments(connection.namespace(step.databaseName)) }
        guard count > loaded else {
            guard count == loaded else { throw Self.wrongCount(step, loaded) }
            return
        }
        outcome.writesMeanwhile[step.name] =
            "\(step.databaseName): \(loaded.counted("document was", "documents were")) written, and \(count.counted("is", "are")) there: other programs wrote to it while it was replaced in place\(wasRepeated ? ", or an insert whose connection had broken came late" : "")"
    }

    /// Checks, before anything is dropped, that records can be removed: else complete collections would count as
    /// interrupted.
    func checkMayForget() throws {
        try connection.withClient {
            try lock.definitions($0, of: connection.database).checkMayForget()
        }
    }

    /// Drops the records' collection if the last of the replacements was not completed: see
    /// ``OwnRecordWriter/forget(_:othersFollow:)``.
    func removeEmptyRecords(of done: some Sequence<ImportPlan.Step>) {
        guard done.contains(where: { $0.way == .inPlace }) else { return }
        do {
            try connection.withClient {
                try lock.definitions($0, of: connection.database).dropIfEmpty()
            }
        } catch {
            // The error that stopped the import is reported. The next import drops the collection as well.
            operation.debug("\(OwnNames.definitions) could not be looked at: \(FerryError(explaining: error).text)")
        }
    }

    /// Removes the record of a collection that is now complete, except for indexes that the server refused: these exist
    /// nowhere else, and the next import tries them again. A failure is only a warning, since the collection is
    /// complete.
    /// - Parameter othersFollow: whether more collections are replaced in place after it.
    func noteComplete(_ step: ImportPlan.Step, refused: [Document], othersFollow: Bool) {
        guard step.way == .inPlace || step.keptBefore != nil else { return }
        do {
            try connection.withClient {
                let kept = lock.definitions($0, of: connection.database)
                if refused.isEmpty || !mustKeepDefinition(of: step) {
                    // Removing it twice does no harm, and one that stays makes a whole collection count as incomplete.
                    try Repeating.run { _ in try kept.forget(step.databaseName, othersFollow: othersFollow) }
                } else {
                    try kept.keepRefused(refused, of: step.entry)
                }
            }
        } catch {
            operation.warning(
                "\(step.databaseName) is complete; what was kept of its options and indexes in \(OwnNames.definitions) could not be brought up to date: \(FerryError(explaining: error).text). Exports and checks call it incomplete until an import of the same file has ended"
            )
        }
    }
}
