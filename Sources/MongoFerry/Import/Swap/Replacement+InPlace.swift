import BSON
import BackupFile
import MongoDriver
import Relations

/// Drops and loads what cannot be swapped, or shall not be.
extension Replacement {
    /// - Parameter remains: what there is of the collection where it throws.
    func replaceInPlace(_ step: ImportPlan.Step, _ outcome: inout Outcome, _ remains: inout Remains) throws {
        // Measurements that may have been written or not can only be written once by starting anew.
        var kept = definitionToKeep(of: step)
        var wasRepeated = false
        var made: Value?
        try Repeating.run { isAgain in
            if isAgain {
                wasRepeated = true
                try lock.settle(step.databaseName, operation.cancellation)
            }
            kept.isOpen = true
            outcome.part = nil
            let uuid = try makeAnew(step, kept, &remains)
            kept = try connection.withClient {
                try KeptDefinitions(client: $0, database: connection.database).note(kept, made: uuid)
            }
            made = uuid
            let rejected = loader.rejections.count
            do {
                try fill(step, step.databaseName, &outcome)
            } catch let error as MongoError where loader.rejections.count > rejected {
                // What was rejected would be told twice.
                throw FerryError(explaining: error)
            }
        }
        try checkCount(ofLive: step, wasRepeated: wasRepeated, &outcome)
        try buildExpiring(step, step.databaseName, &outcome)
        if let made, try connection.uuid(of: step.databaseName) != made {
            throw FerryError("\(step.databaseName) was dropped or replaced by another program while it was loaded")
        }
        remains = .whole
        if let made { outcome.made.append((step, made)) }
    }

    /// Takes down what has been swapped in, before the rest takes its time. Where that cannot be seen it is said, and the rest
    /// goes on: half of a restore is worse.
    func noteSwapped(_ steps: [ImportPlan.Step], _ outcome: inout Outcome) {
        guard !steps.isEmpty else { return }
        do {
            let now = CollectionIdentities(
                try connection.withClient {
                    try $0.listCollections(in: connection.database, readPreference: .primary)
                })
            outcome.made += steps.compactMap { step in now.uuid(of: step.databaseName).map { (step, $0) } }
        } catch {
            operation.warning(
                "whether other programs drop or replace what is new already will not be seen: \(FerryError(explaining: error).text)"
            )
        }
    }

    /// Whether options and indexes are nowhere but in the live collection.
    private func mustKeepDefinition(of step: ImportPlan.Step) -> Bool {
        step.way == .inPlace && loader.reader.metadata == nil
            && !(step.entry.options.isEmpty && step.entry.indexes.isEmpty)
    }

    /// What an interrupted import had kept already goes on with the collections that it had made.
    private func definitionToKeep(of step: ImportPlan.Step) -> KeptDefinitions.Entry {
        // What was refused stands in the step's own definition by now, with all else.
        let isInPart = step.keptBefore?.isInPart(isThere: step.liveOptions != nil, uuid: step.uuid) ?? false
        let interrupted = step.kept.flatMap { $0.isOfRefused ? nil : $0 } ?? (isInPart ? step.keptBefore : nil)
        var entry = interrupted ?? KeptDefinitions.Entry(definition: step.entry, source: step.uuid)
        entry.definition = step.entry
        // Without any, --no-infer perhaps, what was kept before still says what the documents held.
        if let types = liveTypes[step.name] { entry.types = types }
        entry.file = loader.reader.metadata.map { _ in loader.reader.seal?.sha256 ?? "" }
        entry.rows = loader.survey.rows(of: step.name)?.count
        return entry
    }

    /// Drops it and creates it empty.
    ///
    /// A drop that no majority has may be taken back, all of it or of a time series only its storage's: what is there then
    /// is not new, though its options are the same.
    /// - Returns: the new one's uuid; nil where the user may not see it.
    private func makeAnew(
        _ step: ImportPlan.Step, _ kept: KeptDefinitions.Entry, _ remains: inout Remains
    ) throws -> Value? {
        for _ in 0..<Self.drops {
            // The primary is one that can still confirm, which makes it unlikely.
            try lock.confirm()
            let old = try connection.withClient {
                try CollectionIdentities.all(behind: step.databaseName, in: connection.database, $0)
            }
            try drop(step, kept, &remains)
            try connection.withClient { client in
                try CollectionBuilder(client: client, database: connection.database, lock: lock).create(
                    step.entry, as: step.databaseName, clearing: operation.cancellation, lock)
            }
            let made = try connection.uuid(ofExisting: step.databaseName)
            guard let made, old.contains(made) else { return made }
        }
        throw FerryError(
            "\(step.databaseName) was dropped \(Self.drops) times, and each time the server had it again: members of its set may be failing in turn",
            advice: ["rs.status() in mongosh shows how they are. Run the import again when they are well."])
    }

    private static let drops = 5

    private func drop(_ step: ImportPlan.Step, _ entry: KeptDefinitions.Entry, _ remains: inout Remains) throws {
        try connection.withClient { client in
            let kept = KeptDefinitions(client: client, database: connection.database)
            try kept.keep(entry)
            do {
                // Confirmed by a majority with the command that creates it anew: another program's insert should find no
                // time to come in between.
                try Repeating.whileHeldUp(operation.cancellation) {
                    try lock.check()
                    try client.drop(
                        connection.namespace(step.databaseName), writeConcern: WriteConcern(.nodes(1))
                    ) {
                        // It may be gone or not.
                        remains = .incomplete
                        try lock.settle(step.databaseName, operation.cancellation)
                    }
                }
                remains = .incomplete
                if step.hasOrphanedStorage { try dropStorage(of: step.databaseName, client) }
            } catch let error as MongoError where error.isOfUnknownOutcome {
                remains = .incomplete
                throw error
            } catch {
                // Refused: at first it is as it was, which is complete unless something was kept of it before.
                if remains == .whole {
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

    /// What a cut off drop has left of a time series, once nothing else has the name: a server takes it for what is meant then
    /// (6.0.5).
    func dropStorage(of name: String, _ client: Client) throws {
        guard try CollectionIdentities.hasStorage(of: name, in: connection.database, client) else { return }
        try client.drop(connection.namespace(name)) { try lock.settle(name, operation.cancellation) }
    }

    /// Other programs see a live collection, and may write to it while it is loaded: that is told.
    /// - Parameter wasRepeated: whether it was loaded more than once.
    private func checkCount(ofLive step: ImportPlan.Step, wasRepeated: Bool, _ outcome: inout Outcome) throws {
        let isSeries = step.entry.kind == .timeseries && step.entry.options["expireAfterSeconds"] == nil
        guard Self.isCountable(step) || isSeries else { return }
        let loaded = outcome.loads.last?.outcome.inserted ?? 0
        // Of measurements no other count than by a scan is known.
        let count = try connection.withClient { try $0.countDocuments(connection.namespace(step.databaseName)) }
        guard count > loaded else {
            guard count == loaded else { throw Self.wrongCount(step, loaded) }
            return
        }
        outcome.writesMeanwhile[step.name] =
            "\(step.databaseName): \(loaded.counted("document was", "documents were")) written, and \(count.counted("is", "are")) there: other programs wrote to it while it was replaced in place\(wasRepeated ? ", or an insert whose connection had broken came late" : "")"
    }

    /// Before anything is dropped: records that cannot be removed would call complete collections interrupted.
    func checkMayForget() throws {
        try connection.withClient {
            try KeptDefinitions(client: $0, database: connection.database).checkMayForget()
        }
    }

    /// Where the last of them does not come to its end: see ``OwnRecords/forget(_:othersFollow:)``.
    func removeEmptyRecords(of done: some Sequence<ImportPlan.Step>) {
        guard done.contains(where: { $0.way == .inPlace }) else { return }
        do {
            try connection.withClient {
                try KeptDefinitions(client: $0, database: connection.database).dropIfEmpty()
            }
        } catch {
            // What has stopped the import is told. The next one removes it, too.
            operation.debug("\(OwnNames.definitions) could not be looked at: \(error)")
        }
    }

    /// Removes what was kept of a collection that is complete now, but for the indexes that the server refused: they are
    /// nowhere else, and the next import tries them again. It is complete, whether that succeeds or not.
    /// - Parameter othersFollow: whether more of the kind come after it.
    func noteComplete(_ step: ImportPlan.Step, refused: [Document], othersFollow: Bool) {
        guard step.way == .inPlace || step.keptBefore != nil else { return }
        do {
            try connection.withClient {
                let kept = KeptDefinitions(client: $0, database: connection.database)
                if refused.isEmpty || !mustKeepDefinition(of: step) {
                    try kept.forget(step.databaseName, othersFollow: othersFollow)
                } else {
                    try kept.keepRefused(refused, of: step.entry)
                }
            }
        } catch {
            operation.warning(
                "\(step.databaseName) is complete; what was kept of its options and indexes in \(OwnNames.definitions) could not be brought up to date: \(error)"
            )
        }
    }
}
