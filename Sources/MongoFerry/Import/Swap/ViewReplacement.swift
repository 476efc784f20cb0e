import BSON
import BackupFile
import MongoDriver
import Relations

/// Replaces whatever has a view's name by the file's view.
struct ViewReplacement {
    let connection: Connection
    let lock: ImportLock
    let operation: OperationContext

    private var displaced: DisplacedCollections {
        DisplacedCollections(connection: connection, lock: lock, cancellation: operation.cancellation)
    }

    /// - Parameters:
    ///   - number: distinguishes it from this run's others.
    ///   - later: views that are replaced after it.
    ///   - progress: receives the names of the later views that were dropped for it, and what remains under its own name
    ///     if this throws.
    /// - Throws: ``FerryError``, ``MongoError``; `CancellationError`.
    func run(
        _ step: ImportPlan.Step, number: Int, before later: some Sequence<ImportPlan.Step>,
        _ progress: inout SwapProgress
    ) throws {
        // The current state: another program may have changed it since the plan was made, or a collection got its name
        // back.
        let existing = try connection.withClient { client in
            try client.listCollections(
                in: connection.database, named: [step.databaseName], readPreference: .primary
            ).first
        }
        if let existing, existing.kind == .view, existing.options == step.entry.options { return }
        var dropped: [CollectionInfo] = []
        do {
            try clear(later, for: step, &dropped)
            try put(step, inPlaceOf: existing, number, &progress)
            progress.cleared += dropped.map(\.name)
        } catch {
            progress.cleared += dropped.map(\.name)
            var fault: any Error = error
            for view in dropped {
                do {
                    try giveBack(view, after: fault)
                    progress.cleared.removeAll { $0.hasSameBytes(as: view.name) }
                } catch { fault = error }
            }
            throw fault
        }
    }

    /// Drops later views that read this one with a collation that they are not to keep; they are created again soon.
    /// - Parameter dropped: receives those that are gone, or may be if this throws.
    func clear(
        _ later: some Sequence<ImportPlan.Step>, for step: ImportPlan.Step, _ dropped: inout [CollectionInfo]
    ) throws {
        let name = ExactName(step.databaseName)
        let names = later.filter { other in
            guard case .view(let options) = other.live else { return false }
            return ViewSources.isInTheWay(options, of: step.entry.options, name)
        }.map(\.databaseName)
        guard !names.isEmpty else { return }
        try connection.withClient { client in
            let found = try client.listCollections(in: connection.database, named: names, readPreference: .primary)
            for view in found where view.kind == .view {
                do {
                    try drop(view, client)
                } catch let error as MongoError where !error.isOfUnknownOutcome { throw error } catch {
                    dropped.append(view)
                    throw error
                }
                dropped.append(view)
            }
        }
    }

    private func put(
        _ step: ImportPlan.Step, inPlaceOf existing: CollectionInfo?, _ number: Int, _ progress: inout SwapProgress
    ) throws {
        guard let existing else {
            do { return try create(step, &progress) } catch let error as MongoError where error.isOfUnknownOutcome {
                progress.remains = .either
                throw error
            }
        }
        switch existing.kind {
        case .collection: try takePlace(of: existing, step, number, &progress)
        case .view, .timeseries, .other:
            if existing.kind == .view, try change(step, existing.options, &progress.remains) { return }
            // Servers rename none of these.
            try connection.withClient { try drop(existing, $0, &progress) }
            do {
                try create(step, &progress)
            } catch {
                if (error as? MongoError)?.isOfUnknownOutcome == true { progress.remains = .newOrNothing }
                if existing.kind == .view {
                    try giveBack(existing, after: error)
                    progress.remains = .whole
                }
                throw error
            }
            progress.remains = .whole
        }
    }

    /// Drops a view or a time series that is to be replaced.
    /// - Parameter progress: receives what remains under the name, also if this throws.
    func drop(_ existing: CollectionInfo, _ client: Client, _ progress: inout SwapProgress) throws {
        do {
            try drop(existing, client) { progress.remains = .oldOrNothing }
        } catch let error as MongoError where error.isOfUnknownOutcome {
            progress.remains = .oldOrNothing
            throw error
        }
        progress.remains = .gone
    }

    /// - Parameter whereUnknown: called if it is unknown whether an attempt succeeded. Then another program's insert may
    ///   have created a collection of the name, which is not dropped: its documents are counted first.
    private func drop(_ existing: CollectionInfo, _ client: Client, whereUnknown: () -> Void = {}) throws {
        let name = existing.name
        try client.dropOwn(connection.namespace(name), writeConcern: .majority, operation.cancellation) {
            whereUnknown()
            try lock.settle(name, operation.cancellation)
            let found = try client.listCollections(in: connection.database, named: [name], readPreference: .primary)
            return found.contains { $0.kind == existing.kind }
        } beforeEach: {
            try lock.check()
        }
    }

    /// Creates the old view again, after the server refused the new one. One that may have been dropped may still be
    /// there.
    /// - Throws: ``FerryError`` with both errors if this fails as well.
    func giveBack(_ view: CollectionInfo, after error: any Error) throws {
        do {
            try connection.withClient { client in
                try CollectionBuilder(
                    client: client, database: connection.database, cancellation: Cancellation(), lock: lock
                ).create(
                    BackupMetadata.Collection(name: view.name, kind: .view, options: view.options), as: view.name)
            }
        } catch let second {
            if (second as? MongoError)?.isNamespaceExists == true, (try? isThere(view)) == true { return }
            var fault = FerryError(explaining: error)
            fault.details.append(
                "The old view \(view.name) could not be created again (\(FerryError(explaining: second).text)): \(JSONText.document(view.options))"
            )
            throw fault
        }
    }

    /// Whether a view is as it was, and no earlier attempt to drop it is under way.
    private func isThere(_ view: CollectionInfo) throws -> Bool {
        try lock.settle(view.name, Cancellation())
        let found = try connection.withClient { client in
            try client.listCollections(in: connection.database, named: [view.name], readPreference: .primary)
        }
        return found.contains { $0.kind == .view && $0.options == view.options }
    }

    /// Changes a view in one step if the server allows it, so that the view always exists.
    /// - Parameter remains: what remains under the name if this throws.
    /// - Returns: false if the view must be created again.
    private func change(
        _ step: ImportPlan.Step, _ live: Document, _ remains: inout SwapProgress.Remains
    ) throws -> Bool {
        guard live["collation"] == step.entry.options["collation"] else { return false }
        let command = (["collMod": .string(step.databaseName)] as Document)
            .joined(step.entry.options.removing(["collation"]))
        do {
            try connection.withClient { client in
                _ = try Repeating.run { isAgain in
                    // Whatever stops this attempt, an earlier one may have succeeded.
                    if isAgain { remains = .either }
                    return try Repeating.whileHeldUp(operation.cancellation) {
                        try lock.check()
                        return try client.runWrite(command, on: connection.database)
                    }
                }
            }
            return true
        } catch let error as MongoError where error.isUnauthorized {
            // The role readWrite may drop and create views but not change them.
            remains = .whole
            return false
        } catch let error as MongoError where error.isOfUnknownOutcome {
            remains = .either
            throw error
        }
    }

    private func takePlace(
        of collection: CollectionInfo, _ step: ImportPlan.Step, _ number: Int, _ progress: inout SwapProgress
    ) throws {
        let name = step.databaseName
        let place = try displaced.displace(collection, for: step.entry.options, number: number) {
            progress.remains = .oldOrNothing
        }
        progress.remains = .whole
        do {
            try create(step, &progress)
        } catch {
            do {
                progress.strangers += try displaced.restore(name, from: place)
            } catch let second {
                progress.remains = .oldOrNothing
                var fault = FerryError(explaining: error)
                fault.text += ", and the collection \(name) did not get its name back: \(second)"
                fault.details.append(
                    "Its documents are in \(place). The next import gives them their name back, unless something has it by then."
                )
                throw fault
            }
            throw error
        }
        do {
            try displaced.remove(place)
        } catch {
            operation.warning(
                "\(name) is a view now; the collection that had its name, \(place), could not be removed, and the next import does it: \(FerryError(explaining: error).text)"
            )
        }
    }

    /// Creates the view. Another program's insert may take the name as soon as it is free; what it creates is dropped.
    private func create(_ step: ImportPlan.Step, _ progress: inout SwapProgress) throws {
        try connection.withClient { client in
            try CollectionBuilder(
                client: client, database: connection.database, cancellation: operation.cancellation, lock: lock
            ).create(step.entry, as: step.databaseName, clearingFor: lock, &progress.strangers)
        }
    }
}
