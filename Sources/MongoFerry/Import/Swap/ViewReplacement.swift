import BSON
import BackupFile
import MongoDriver
import Relations

/// Puts a file's view in the place of whatever has its name.
struct ViewReplacement {
    let connection: Connection
    let lock: ImportLock
    let operation: OperationContext

    private var displaced: DisplacedCollections {
        DisplacedCollections(connection: connection, lock: lock, cancellation: operation.cancellation)
    }

    /// - Parameters:
    ///   - number: tells it from this run's others.
    ///   - later: views that are put in their places after it.
    ///   - cleared: gets the names of those of the later ones that were dropped for it.
    ///   - remains: what there is under the name where it throws.
    /// - Throws: ``FerryError``, ``MongoError``; `CancellationError`.
    func run(
        _ step: ImportPlan.Step, number: Int, before later: some Sequence<ImportPlan.Step>,
        _ cleared: inout [String], _ remains: inout Replacement.Remains
    ) throws {
        // As things are now: others may have changed it since the plan was made, or a collection got its name back.
        let existing = try connection.withClient { client in
            try client.listCollections(
                in: connection.database, named: [step.databaseName], readPreference: .primary
            ).first
        }
        if let existing, existing.kind == .view, existing.options == step.entry.options { return }
        var dropped: [CollectionInfo] = []
        do {
            try clear(later, for: step, &dropped)
            try put(step, inPlaceOf: existing, number, &remains)
            cleared += dropped.map(\.name)
        } catch {
            cleared += dropped.map(\.name)
            var fault: any Error = error
            for view in dropped {
                do {
                    try giveBack(view, after: fault)
                    cleared.removeAll { $0.hasSameBytes(as: view.name) }
                } catch { fault = error }
            }
            throw fault
        }
    }

    /// Drops those that stand on it with the collation that they shall have no more: they are made anew soon.
    /// - Parameter dropped: gets those that are gone, or may be where it throws.
    func clear(
        _ later: some Sequence<ImportPlan.Step>, for step: ImportPlan.Step, _ dropped: inout [CollectionInfo]
    ) throws {
        let name = ExactName(step.databaseName)
        let names = later.filter { other in
            other.liveOptions.map { ViewSources.isInTheWay($0, of: step.entry.options, name) } ?? false
        }.map(\.databaseName)
        guard !names.isEmpty else { return }
        try connection.withClient { client in
            let found = try client.listCollections(in: connection.database, named: names, readPreference: .primary)
            for view in found where view.kind == .view {
                do {
                    try client.drop(connection.namespace(view.name)) {
                        try lock.settle(view.name, operation.cancellation)
                    }
                } catch let error as MongoError where !error.isOfUnknownOutcome { throw error } catch {
                    dropped.append(view)
                    throw error
                }
                dropped.append(view)
            }
        }
    }

    private func put(
        _ step: ImportPlan.Step, inPlaceOf existing: CollectionInfo?, _ number: Int,
        _ remains: inout Replacement.Remains
    ) throws {
        guard let existing else {
            do { return try create(step) } catch let error as MongoError where error.isOfUnknownOutcome {
                remains = .either
                throw error
            }
        }
        switch existing.kind {
        case .collection: try takePlace(of: existing, step, number, &remains)
        case .view, .timeseries, .other:
            if existing.kind == .view, try change(step, existing.options, &remains) { return }
            // No server renames these.
            try connection.withClient { try drop(step.databaseName, $0, &remains) }
            do {
                try create(step)
            } catch {
                if (error as? MongoError)?.isOfUnknownOutcome == true { remains = .newOrNothing }
                if existing.kind == .view {
                    try giveBack(existing, after: error)
                    remains = .whole
                }
                throw error
            }
            remains = .whole
        }
    }

    /// Drops a view or a time series for what takes its place.
    /// - Parameter remains: what there is under the name then, and where it throws.
    func drop(_ name: String, _ client: Client, _ remains: inout Replacement.Remains) throws {
        do {
            try client.drop(connection.namespace(name)) {
                remains = .oldOrNothing
                try lock.settle(name, operation.cancellation)
            }
        } catch let error as MongoError where error.isOfUnknownOutcome {
            remains = .oldOrNothing
            throw error
        }
        remains = .gone
    }

    /// The old view, where the server does not take the new one.
    /// - Throws: ``FerryError`` of both where it does not come back either.
    func giveBack(_ view: CollectionInfo, after error: any Error) throws {
        do {
            try connection.withClient { client in
                try CollectionBuilder(client: client, database: connection.database, lock: lock).create(
                    BackupMetadata.Collection(name: view.name, kind: .view, options: view.options), as: view.name)
            }
        } catch let second {
            var fault = FerryError(explaining: error)
            fault.details.append(
                "The old view \(view.name) could not be created again (\(FerryError(explaining: second).text)): \(JSONText.document(view.options))"
            )
            throw fault
        }
    }

    /// In one step where the server lets it, so that there is no moment without the view.
    /// - Parameter remains: what there is under the name where it throws.
    /// - Returns: false where the view has to be made anew.
    private func change(
        _ step: ImportPlan.Step, _ live: Document, _ remains: inout Replacement.Remains
    ) throws -> Bool {
        guard live["collation"] == step.entry.options["collation"] else { return false }
        let command = (["collMod": .string(step.databaseName)] as Document)
            .joined(step.entry.options.removing(["collation"]))
        do {
            try connection.withClient { client in
                _ = try Repeating.run { isAgain in
                    // Whatever stops this one, the one before may have been carried out.
                    if isAgain { remains = .either }
                    return try Repeating.whileHeldUp(operation.cancellation) {
                        try lock.check()
                        return try client.runWrite(command, on: connection.database)
                    }
                }
            }
            return true
        } catch let error as MongoError where error.isUnauthorized {
            // The role readWrite may drop and create views, but not change them.
            remains = .whole
            return false
        } catch let error as MongoError where error.isOfUnknownOutcome {
            remains = .either
            throw error
        }
    }

    private func takePlace(
        of collection: CollectionInfo, _ step: ImportPlan.Step, _ number: Int, _ remains: inout Replacement.Remains
    ) throws {
        let name = step.databaseName
        let place = try displaced.displace(collection, for: step.entry.options, number: number) {
            remains = .oldOrNothing
        }
        remains = .whole
        do {
            try create(step)
        } catch {
            do {
                try displaced.restore(name, from: place)
            } catch let second {
                remains = .oldOrNothing
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
                "\(name) is a view now; the collection that had its name, \(place), could not be removed, and the next import does it: \(error)"
            )
        }
    }

    /// Another program's insert may take the name as soon as it is free: that goes again.
    private func create(_ step: ImportPlan.Step) throws {
        try connection.withClient { client in
            try CollectionBuilder(client: client, database: connection.database, lock: lock)
                .create(step.entry, as: step.databaseName, clearing: operation.cancellation, lock)
        }
    }
}
