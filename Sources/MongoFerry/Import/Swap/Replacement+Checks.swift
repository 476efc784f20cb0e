import BSON
import BackupFile
import MongoDriver
import Relations

/// What is looked at before and after the live data are touched: whether all is there, and whether others have come in between.
extension Replacement {
    /// What servers say of a view only when it gets its name, and of a time series, which to them is one of its storage. A
    /// collection that gives its name to a view comes back then, and so does a view; what is dropped for them cannot.
    func checkViews(_ plan: ImportPlan) throws {
        let planned = plan.steps.filter { $0.way == .view || $0.entry.kind == .timeseries }
        let steps = planned.filter { step in
            guard let live = step.liveOptions else { return false }
            return step.way == .inPlace || live["timeseries"] != nil
        }
        guard !steps.isEmpty else { return }
        let live = try connection.withClient { client in
            try client.listCollections(in: connection.database, readPreference: .primary)
        }
        let replaced = Set(plan.steps.map { ExactName($0.databaseName) })
        let others = live.filter { $0.kind != .collection && !replaced.contains(ExactName($0.name)) }
        let views = ViewSources(
            others.map { ($0.name, $0.options) } + planned.map { ($0.databaseName, $0.entry.options) })
        for step in steps {
            guard let conflict = views.conflict(of: step.databaseName) else { continue }
            throw FerryError(
                "\(step.databaseName) cannot take the place of what has its name: \(conflict)",
                advice: ["--exclude \(Report.shellWord(step.name)) leaves it out."])
        }
    }

    /// Whether all that was written is there. Not asked of collections whose documents the server removes by itself.
    /// - Parameters:
    ///   - places: collections, and by which names they stand in the database now.
    ///   - loads: what was written to each.
    func checkCounts(of places: [(step: ImportPlan.Step, name: String)], _ loads: [RowLoader.Result]) throws {
        let inserted = Dictionary(loads.map { ($0.outcome.name, $0.outcome.inserted) }) { _, last in last }
        let countable = places.filter { Self.isCountable($0.step) }
        let connection = connection
        let areComplete = try connection.answers(for: countable) { client, place in
            try client.hasCount(inserted[place.step.name] ?? 0, connection.namespace(place.name))
        }
        for (place, isComplete) in zip(countable, areComplete) where !isComplete {
            throw FerryError(
                "\(place.step.databaseName): \((inserted[place.step.name] ?? 0).counted("document was", "documents were")) written, and another number is there"
            )
        }
    }

    /// Whether options and indexes that stay, since the file says nothing of them, are those that the plan has seen.
    func checkDefinitions(of steps: [ImportPlan.Step]) throws {
        let steps = steps.filter { $0.liveOptions != nil && $0.kept == nil }
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
                case .index(let name), .renamedIndex(_, let name), .extraIndex(let name): "index \(name)"
                case .missingIndex: nil
                }
            }
            guard !new.isEmpty else { continue }
            throw FerryError(
                "\(step.databaseName): another program has changed it since the plan was made, and the file says nothing of it: \(new.joined(separator: ", "))",
                advice: ["Run the import again: it keeps what is there then."])
        }
    }

    /// Others may write to what is about to be replaced, as long as it is there: that goes with it, and is told.
    func noteLateWrites(to steps: [ImportPlan.Step], _ outcome: inout Outcome) throws {
        let live = steps.filter { !$0.liveIsView && ($0.way != .view || $0.liveCount != nil) }
        let connection = connection
        let counts = try connection.answers(for: live) { client, step in
            try client.estimatedCount(connection.namespace(step.databaseName), readPreference: .primary)
        }
        for (step, count) in zip(live, counts) {
            let planned = step.liveCount ?? 0
            if let place = outcome.collections.firstIndex(where: { $0.name == step.name }) {
                outcome.collections[place].deleted = count
            }
            let isNoted = { (warning: (name: String, text: String)) in
                warning.name == step.name && warning.text.hasSuffix(Self.wentWithTheOld)
            }
            outcome.warnings.removeAll(where: isNoted)
            // Fewer are no loss.
            guard count > planned else { continue }
            outcome.warnings.append(
                (
                    step.name,
                    "\(step.databaseName): \((count - planned).counted("document")) \(Self.wentWithTheOld)"
                ))
        }
    }

    private static let wentWithTheOld =
        "came from other programs after the plan was made, and went with the old collection"

    /// After so long others may have written more.
    static let freshness = Duration.seconds(1)

    static func isCountable(_ step: ImportPlan.Step) -> Bool {
        let entry = step.entry
        return entry.kind == .collection && !entry.isCapped && entry.options["expireAfterSeconds"] == nil
    }
}
