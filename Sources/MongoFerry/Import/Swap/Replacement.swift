import BSON
import BackupFile
import MongoDriver
import Relations

/// Replaces collections: loads and indexes everything beside the live data, then swaps it in.
///
/// Until the swap, the live data is untouched. Each rename is atomic on the server, so that a collection is always
/// complete, old or new.
struct Replacement {
    let connection: Connection
    let loader: RowLoader
    let lock: ImportLock
    let operation: OperationContext
    /// The types in the live documents, for rows of a file without metadata, by the collections' names in the file.
    var liveTypes: [String: [FieldPath: ObservedType]] = [:]
    /// The most documents that the server may reject; with more, the live data is left as it is.
    var maximumRejects = 0
    /// Checks references before the swap, given the staging names and the results of the loads; dangling ones prevent
    /// it.
    var check: ((_ staging: [String: String], _ loaded: [RowLoader.Result]) throws -> [ReferenceOutcome])?

    struct Outcome {
        /// The outcomes of ``Replacement/check``.
        var references: [ReferenceOutcome] = []
        var collections: [CollectionOutcome] = []
        var loads: [RowLoader.Result] = []
        var refusedIndexes: [CollectionBuilder.RefusedIndex] = []
        /// Warnings for when a collection or view is replaced, by its name in the file: about late documents that went
        /// with the old one, and about documents that came while the new one was written.
        var lateWrites: [String: String] = [:]
        var writesMeanwhile: [String: String] = [:]
        /// Warnings about documents that other programs wrote under a name while it changed hands, and that are gone.
        var strangers: [String: String] = [:]
        /// The collections and views that are already replaced.
        var swapped: [String] = []
        /// The UUIDs of new collections, to be checked again at the end: of those swapped in before others were
        /// replaced in place, which takes time, and of the latter.
        var made: [(step: ImportPlan.Step, uuid: Value)] = []
        /// Whether the server or the check of references refused more than is allowed; the live data is then untouched.
        var isRefused = false
        /// The outcome so far of a collection whose replacement in place was stopped.
        var part: CollectionOutcome?
        /// The last document counts of the old collections, by their names in the file.
        var old: [String: Int] = [:]

        /// The warnings about these collections and views, in their order.
        func warnings(of names: [String]) -> [String] {
            names.flatMap { [lateWrites[$0], strangers[$0], writesMeanwhile[$0]].compactMap(\.self) }
        }

        /// Whether documents of other programs are gone that came after the plan was made.
        var hasLostWrites: Bool { !lateWrites.isEmpty || !strangers.isEmpty }

        mutating func noteStrangers(_ count: Int, _ step: ImportPlan.Step) {
            guard count > 0 else { return }
            strangers[step.name] =
                "\(step.databaseName): \(count.counted("document")) came from other programs while it was being replaced, and \(count == 1 ? "is" : "are") gone with what had the name then"
        }

        /// Notes that a view has replaced what had its name, and how many documents went with a collection.
        mutating func noteGivenWay(_ step: ImportPlan.Step) {
            guard let count = old[step.name], count > 0 else { return }
            var outcome = CollectionOutcome(name: step.name)
            outcome.deleted = count
            collections.append(outcome)
        }

        /// The outcomes of the collections that were replaced, and of one that was replaced in part.
        var written: [CollectionOutcome] {
            collections.filter { swapped.contains($0.name) } + (part.map { [$0] } ?? [])
        }
    }

    /// - Parameter outcome: what was done, also if this throws.
    /// - Throws: ``FerryError`` with the state of every collection, also after an interruption.
    func run(_ plan: ImportPlan, _ outcome: inout Outcome) throws {
        let staged = plan.steps.filter { $0.way == .staged }.enumerated().map { number, step in
            StagedStep(step: step, name: OwnNames.stagingPrefix + "\(lock.mark).\(number)")
        }
        try prepare(plan, staged, &outcome)
        if !outcome.isRefused { try replaceAll(plan, staged, &outcome) }
    }

    /// A step that is loaded beside the live collection.
    private struct StagedStep {
        let step: ImportPlan.Step
        /// The name of the new collection until the swap. It is this run's own: a command of an interrupted import may
        /// still be in progress on the server, and must not find this collection.
        let name: String
    }

    /// Loads, indexes and checks everything beside the live data. If anything fails or is refused, this is removed
    /// again.
    private func prepare(
        _ plan: ImportPlan, _ staged: [StagedStep], _ outcome: inout Outcome
    ) throws {
        let tried = plan.steps.filter { $0.way == .inPlace || $0.way == .view }
        let names = staged.map(\.name) + (tried.isEmpty ? [] : [trialName])
        do {
            let live = try listLiveViews(where: !tried.isEmpty)
            let liveSources = ViewSources(live.map { ($0.name, $0.options) })
            for step in tried { try tryOut(step, liveSources, &outcome) }
            if tried.contains(where: { $0.way == .inPlace }) { try checkMayForget() }
            try checkViews(plan, live)
            if outcome.refusedIndexes.isEmpty { try stage(staged, &outcome) }
            outcome.isRefused = try isRefused(staged, &outcome)
            if !outcome.isRefused {
                let steps = staged.map(\.step)
                try checkSomethingIsLeft(of: steps, outcome.loads)
                try checkDefinitions(of: steps)
                try noteLateWrites(to: steps, &outcome)
            }
        } catch {
            try discard(names, after: error)
        }
        if outcome.isRefused { try discard(names, after: nil) }
    }

    /// Replaces the old by the new, one after another.
    private func replaceAll(
        _ plan: ImportPlan, _ staged: [StagedStep], _ outcome: inout Outcome
    ) throws {
        // What cannot be staged comes last, in the plan's order: views at the end.
        let steps = staged.map(\.step) + plan.steps.filter { $0.way != .staged }
        var progress = SwapProgress()
        for (number, step) in steps.enumerated() {
            if step.way == .inPlace, number == staged.count { noteSwapped(staged.map(\.step), &outcome) }
            progress.remains = .whole
            progress.strangers = 0
            defer { outcome.noteStrangers(progress.strangers, step) }
            let refused = outcome.refusedIndexes.count
            do {
                // An interruption is possible before each drop: nothing of this one has changed yet.
                if step.way != .staged, progress.cleared.isEmpty { try operation.cancellation.check() }
                try lock.check()
                try replace(steps, number, staged, &outcome, &progress)
            } catch {
                if progress.remains == .whole { removeEmptyRecords(of: steps[..<number]) }
                throw StoppedSwap(
                    plan: plan, step: step, remains: progress.remains, swapped: outcome.swapped,
                    cleared: progress.cleared, isLockLost: lock.isLost
                ).explained(error)
            }
            outcome.swapped.append(step.name)
            outcome.part = nil
            noteComplete(
                step, refused: outcome.refusedIndexes[refused...].map(\.index),
                othersFollow: steps[number...].dropFirst().contains { $0.way == .inPlace })
        }
    }

    /// - Parameters:
    ///   - number: the position in `steps` of the one to replace.
    ///   - staged: the staged steps, which come first in `steps`.
    private func replace(
        _ steps: [ImportPlan.Step], _ number: Int, _ staged: [StagedStep], _ outcome: inout Outcome,
        _ progress: inout SwapProgress
    ) throws {
        let step = steps[number]
        let laterViews = steps[number...].dropFirst().lazy.filter { $0.way == .view }
        switch step.way {
        case .staged:
            // As late as possible: those before it and other programs' index builds delay a rename.
            try swap(staged[number], &outcome, &progress)
        case .view:
            try noteLateWrites(to: [step], &outcome)
            try views.run(step, number: number, before: laterViews, &progress)
            progress.cleared.removeAll { $0.hasSameBytes(as: step.databaseName) }
            outcome.noteGivenWay(step)
        case .inPlace:
            try checkDefinitions(of: [step])
            try noteLateWrites(to: [step], &outcome)
            if step.entry.kind == .timeseries {
                var dropped: [CollectionInfo] = []
                defer { progress.cleared += dropped.map(\.name) }
                try views.clear(laterViews, for: step, &dropped)
            }
            try replaceInPlace(step, &outcome, &progress)
        case .merge, .insert:
            // What a merge leaves alone must not be dropped, whatever the plan was made for.
            throw FerryError("\(step.databaseName) is not planned to be replaced, and was left as it is")
        }
    }

    func builder(_ client: Client) -> CollectionBuilder {
        CollectionBuilder(
            client: client, database: connection.database, cancellation: operation.cancellation, lock: lock)
    }

    /// The name under which another collection's or view's definition is tried out.
    var trialName: String { OwnNames.trial(lock.mark) }

    /// Creates, loads and indexes the staging collections.
    private func stage(_ staged: [StagedStep], _ outcome: inout Outcome) throws {
        try create(staged)
        for one in staged {
            do {
                try operation.cancellation.check()
                try fill(one.step, one.name, &outcome)
            } catch let error as MongoError {
                throw Self.fault(error, at: one.step.databaseName)
            }
        }
        try checkCounts(of: staged.map { ($0.step, $0.name) }, outcome.loads)
        try checkCapped(staged.map { ($0.step, $0.name) }, outcome.loads)
        for one in staged { try buildExpiring(one.step, one.name, &outcome) }
        try operation.cancellation.check()
    }

    /// Whether the server or the check of references refused more than is allowed.
    private func isRefused(_ staged: [StagedStep], _ outcome: inout Outcome) throws -> Bool {
        guard outcome.refusedIndexes.isEmpty, loader.rejections.count <= maximumRejects else { return true }
        let names = Dictionary(uniqueKeysWithValues: staged.map { ($0.step.name, $0.name) })
        outcome.references = try check?(names, outcome.loads) ?? []
        return outcome.references.contains { $0.dangling > 0 && !$0.isOptional }
    }

    private var views: ViewReplacement {
        ViewReplacement(connection: connection, lock: lock, operation: operation)
    }

    /// Creates the staging collections. Nobody else uses their names.
    private func create(_ staged: [StagedStep]) throws {
        let (database, operation, lock) = (connection.database, operation, lock)
        _ = try connection.answers(for: staged) { client, one in
            try operation.cancellation.check()
            operation.progress(.load, one.step.name)
            do {
                try CollectionBuilder(
                    client: client, database: database, cancellation: operation.cancellation, lock: lock
                ).create(one.step.entry, as: one.name)
            } catch let error as MongoError {
                throw Self.fault(error, at: one.step.databaseName)
            }
        }
    }

    func fill(_ step: ImportPlan.Step, _ name: String, _ outcome: inout Outcome) throws {
        let watch = Stopwatch()
        let way: WriteWay = step.entry.kind == .timeseries ? .measurements(nil) : .load
        func noteInPlace(_ loaded: CollectionOutcome) {
            guard step.way == .inPlace else { return }
            outcome.part = loaded
            outcome.part?.deleted = outcome.old[step.name] ?? 0
        }
        var result = try operation.timed("load \(step.name)") {
            try loader.load(
                step.name, into: connection.namespace(name), way, writers: step.isWrittenInOrder ? 1 : nil,
                whereStopped: noteInPlace)
        }
        noteInPlace(result.outcome)
        try operation.cancellation.check()
        operation.progress(.index, step.name)
        let refused = try operation.timed("index \(step.name)") {
            try build(step.entry.indexes.filter { !Self.expires($0) }, of: step, on: name)
        }
        outcome.refusedIndexes += refused
        result.outcome.deleted = outcome.old[step.name] ?? 0
        result.outcome.seconds = watch.seconds
        outcome.collections.append(result.outcome)
        outcome.loads.append(result)
    }

    /// Whether an index makes the server remove documents, once a minute, whatever the collection's name.
    private static func expires(_ index: Document) -> Bool { index["expireAfterSeconds"] != nil }

    /// Builds the indexes that were left out so far, after the documents were counted: some of a backup's have expired
    /// since.
    func buildExpiring(_ step: ImportPlan.Step, _ name: String, _ outcome: inout Outcome) throws {
        let indexes = step.entry.indexes.filter(Self.expires)
        guard !indexes.isEmpty else { return }
        outcome.refusedIndexes += try build(indexes, of: step, on: name)
    }

    /// - Returns: the indexes that the server refused.
    func build(
        _ indexes: [Document], of step: ImportPlan.Step, on name: String
    ) throws -> [CollectionBuilder.RefusedIndex] {
        var refused = try connection.withClient { client in
            try builder(client).build(indexes, on: name, step.entry.kind, inheriting: step.entry.options["collation"])
        }
        for index in refused.indices {
            refused[index].text = refused[index].text.replacing(name, with: step.databaseName)
        }
        return refused
    }

    private func swap(_ staged: StagedStep, _ outcome: inout Outcome, _ progress: inout SwapProgress) throws {
        let step = staged.step
        operation.progress(.swap, step.name)
        let name = step.databaseName
        try connection.withClient { client in
            // A rename cannot replace a view. What was a view may be another program's collection by now.
            var view: CollectionInfo?
            if step.liveIsView {
                view = try client.listCollections(
                    in: connection.database, named: [name], readPreference: .primary
                ).first { $0.kind == .view }
                if let view { try views.drop(view, client, &progress) }
            }
            if step.hasOrphanedStorage {
                if step.live.collection != nil { try dropLive(name, client, &progress) }
                try dropStorage(of: name, client)
            }
            let unknown: SwapProgress.Remains = progress.remains == .gone ? .newOrNothing : .either
            var isUnknown = false
            var before = outcome
            do {
                try builder(client).rename(
                    staged.name, to: name, dropTarget: true, lock,
                    beforeEach: {
                        before = outcome
                        // As late as possible: those before it and other programs' index builds delay a rename.
                        try noteLateWrites(to: [step], &outcome)
                    },
                    whereUnknown: {
                        isUnknown = true
                        progress.remains = unknown
                    },
                    // What was counted last was the new collection.
                    whereDoneBefore: { outcome = before })
            } catch  where !isUnknown {
                // Nothing has replaced the view, and its definition exists nowhere else.
                if let view, progress.remains == .gone {
                    try views.giveBack(view, after: error)
                    progress.remains = .whole
                }
                throw error
            }
            progress.remains = .whole
        }
    }

    /// Drops a live collection whose name a rename cannot take.
    private func dropLive(_ name: String, _ client: Client, _ progress: inout SwapProgress) throws {
        do {
            try client.drop(connection.namespace(name), operation.cancellation) {
                progress.remains = .oldOrNothing
                try lock.settle(name, operation.cancellation)
            } beforeEach: {
                try lock.check()
            }
        } catch let error as MongoError where error.isOfUnknownOutcome {
            progress.remains = .oldOrNothing
            throw error
        }
        progress.remains = .gone
    }
}
