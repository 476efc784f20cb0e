import BSON
import BackupFile
import MongoDriver
import Relations

/// Checks before and after the live data is changed: whether everything exists, and whether other programs have
/// written.
extension Replacement {
    /// The database's views and time series; to servers, the latter are views of their storage.
    func listLiveViews(where isNeeded: Bool) throws -> [CollectionInfo] {
        guard isNeeded else { return [] }
        return try connection.withClient { client in
            try client.listCollections(in: connection.database, readPreference: .primary)
        }.filter { $0.kind != .collection }
    }

    /// Has the server create a definition that is not staged while the old collection or view exists: what the server
    /// refuses, or the user lacks a privilege for, must not be found when that is gone. What depends on the view's own
    /// name does not show.
    func tryOut(_ step: ImportPlan.Step, _ live: ViewSources, _ outcome: inout Outcome) throws {
        try operation.cancellation.check()
        guard let options = Self.optionsToTry(step.entry, live) else { return }
        var entry = step.entry
        entry.options = options
        try connection.withClient { client in
            try builder(client).create(entry, as: trialName)
            outcome.refusedIndexes += try build(entry.indexes, of: step, on: trialName)
            try client.drop(connection.namespace(trialName))
        }
    }

    /// The options to try: for a view, with the current collation of its sources, which may change before its turn; nil
    /// if they have several, so that it cannot be tried.
    private static func optionsToTry(_ entry: BackupMetadata.Collection, _ live: ViewSources) -> Document? {
        guard entry.kind == .view else { return entry.options }
        let below = live.collations(below: entry.options)
        guard let collation = below.first else { return entry.options }
        guard below.count == 1 else { return nil }
        let bare = entry.options.removing(["collation"])
        return collation.map { bare.appending("collation", .document($0)) } ?? bare
    }

    /// Checks conflicts that servers report only when a view, or a time series, which to them is a view of its storage,
    /// gets its name: they must not be found during the swap, or when the old one is gone. What is in the way only
    /// until its own turn is removed then.
    func checkViews(_ plan: ImportPlan, _ live: [CollectionInfo]) throws {
        let planned = plan.steps.filter { $0.way == .view || $0.entry.kind == .timeseries }
        guard !planned.isEmpty else { return }
        // A view that is replaced by a collection no longer exists by then.
        let collections = Set(plan.steps.filter { $0.entry.kind == .collection }.map { ExactName($0.databaseName) })
        let others = live.filter { !collections.contains(ExactName($0.name)) }
            .map { (name: $0.name, options: $0.options) }
        let new = planned.map { (name: $0.databaseName, options: $0.entry.options) }
        let atLast = ViewSources(others + new)
        try atLast.check(planned, "cannot take the place of what has its name")
    }

    /// Checks that all documents that were written exist, except in collections from which the server removes some by
    /// itself.
    /// - Parameters:
    ///   - places: the collections, with their current names in the database.
    ///   - loads: the results of their loads.
    func checkCounts(of places: [(step: ImportPlan.Step, name: String)], _ loads: [RowLoader.Result]) throws {
        let inserted = Dictionary(loads.map { ($0.outcome.name, $0.outcome.inserted) }) { _, last in last }
        let countable = places.filter { Self.isCountable($0.step) }
        let connection = connection
        let areComplete = try connection.answers(for: countable) { client, place in
            try client.hasCount(inserted[place.step.name] ?? 0, connection.namespace(place.name))
        }
        for (place, isComplete) in zip(countable, areComplete) where !isComplete {
            throw Self.wrongCount(place.step, inserted[place.step.name] ?? 0)
        }
    }

    /// Checks that a collection is not replaced by nothing because the server accepted none of its documents: nobody
    /// who sets rows aside wants that.
    /// - Throws: ``FerryError`` if documents would be lost.
    func checkSomethingIsLeft(of steps: [ImportPlan.Step], _ loads: [RowLoader.Result]) throws {
        let outcomes = Dictionary(loads.map { ($0.outcome.name, $0.outcome) }) { _, last in last }
        for step in steps {
            guard let outcome = outcomes[step.name], outcome.inserted == 0, outcome.rejected > 0 else { continue }
            try ImportPlanner.checkLoss(of: step, unusable: outcome.rejected)
        }
    }

    /// A capped collection pushes out what does not fit. One that is in the backup as it was held all of it once; the
    /// database's own, which a file without metadata is loaded into, may be too small.
    /// - Parameter places: as for ``checkCounts(of:_:)``.
    /// - Throws: ``FerryError`` if documents that were loaded are gone, and others would be lost for them.
    func checkCapped(_ places: [(step: ImportPlan.Step, name: String)], _ loads: [RowLoader.Result]) throws {
        guard loader.reader.metadata == nil else { return }
        let inserted = Dictionary(loads.map { ($0.outcome.name, $0.outcome.inserted) }) { _, last in last }
        for (step, name) in places where step.entry.isCapped && (step.liveCount ?? 0) > 0 {
            let loaded = inserted[step.name] ?? 0
            let kept = try connection.withClient { try $0.countDocuments(connection.namespace(name)) }
            guard kept < loaded else { continue }
            throw FerryError(
                "\(step.databaseName) is capped, and too small: it keeps \(kept.grouped) of the file's \(loaded.counted("document"))",
                kind: .data,
                advice: [
                    "Make it larger or leave it out (--exclude \(step.name.shellWord)); --mode merge writes the documents, and pushes the oldest out."
                ])
        }
    }

    static func wrongCount(_ step: ImportPlan.Step, _ inserted: Int) -> FerryError {
        FerryError(
            "\(step.databaseName): \(inserted.counted("document was", "documents were")) written, and another number is there",
            advice: ["Another program may have removed some. Run the import again once nothing else writes there."])
    }

    /// Checks that the options and indexes that stay, since the file has no metadata, are still those in the plan.
    func checkDefinitions(of steps: [ImportPlan.Step]) throws {
        // A collection with a kept definition was missing or incomplete, and may be another program's by now.
        let steps = steps.filter { $0.kept == nil }
        guard loader.reader.metadata == nil, !steps.isEmpty else { return }
        let there = try LiveCatalog(connection, names: Set(steps.map(\.databaseName)))
        for step in steps {
            guard let live = there[step.databaseName], let contents = there.contents[step.databaseName] else {
                continue
            }
            let new: [String] = CollectionDifferences.found(
                step.entry, options: live.options, indexes: contents.indexes
            ).compactMap { difference in
                switch difference {
                case .option(let name, _, _): "option \(name)"
                case .index(let name), .renamedIndex(_, let name), .rivalIndex(_, let name),
                    .extraIndex(let name):
                    "index \(name)"
                case .missingIndex: nil
                }
            }
            guard !new.isEmpty else { continue }
            throw FerryError(
                "\(step.databaseName): another program has changed it since the plan was made, and the file says nothing of it: \(new.joined(separator: ", "))",
                advice: ["Run the import again: it keeps what is there then."])
        }
    }

    /// Counts the documents of collections that are about to be replaced. Other programs may write to these as long as
    /// they exist; such documents are lost, and reported.
    func noteLateWrites(to steps: [ImportPlan.Step], _ outcome: inout Outcome) throws {
        let connection = connection
        // If the name was a view's or free when the plan was made, another program may have created a collection.
        let there = try connection.withClient {
            try $0.listCollections(
                in: connection.database, named: steps.map(\.databaseName), readPreference: .primary)
        }
        let holding = Set(there.filter { $0.kind != .view }.map { ExactName($0.name) })
        let counts = try connection.answers(for: steps) { client, step in
            guard holding.contains(ExactName(step.databaseName)) else { return 0 }
            return try client.steadyCount(connection.namespace(step.databaseName))
        }
        for (step, count) in zip(steps, counts) {
            let planned = step.liveCount ?? 0
            outcome.old[step.name] = count
            if let place = outcome.collections.firstIndex(where: { $0.name == step.name }) {
                outcome.collections[place].deleted = count
            }
            outcome.lateWrites[step.name] = nil
            // Fewer documents are no loss.
            guard count > planned else { continue }
            outcome.lateWrites[step.name] =
                "\(step.databaseName): \((count - planned).counted("document")) came from other programs after the plan was made, and went with the old collection"
        }
    }

    static func isCountable(_ step: ImportPlan.Step) -> Bool {
        let entry = step.entry
        return entry.kind == .collection && !entry.isCapped && entry.options["expireAfterSeconds"] == nil
    }
}
