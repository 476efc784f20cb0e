import BSON
import BackupFile
import MongoDriver
import Relations

/// Makes the plan of an import: names, order, the live state, and the differences.
struct ImportPlanner {
    let database: String
    let options: ImportOptions
    let metadata: BackupMetadata?
    /// The collections and views of the file that are imported, with their names in the database.
    let entries: [BackupMetadata.Collection]
    /// Those of the file that are left out.
    let excluded: [BackupMetadata.Exclusion]
    private let choice: FileChoice

    /// - Parameter collections: the collections that have rows in the file, with their counts; if the file has no
    ///   metadata, these are its collections.
    /// - Throws: ``FerryError`` for names that are not in the file, or cannot be written to.
    init(
        database: String, options: ImportOptions, metadata: BackupMetadata?, collections: [FileSurvey.Rows]
    ) throws {
        self.database = database
        self.options = options
        self.metadata = metadata
        let all = metadata?.collections ?? collections.map { .init(name: $0.name, records: $0.count) }
        choice = options.choice(of: metadata)
        try choice.check(against: all.map(\.name))
        excluded = choice.exclusions(among: all.map(\.name))
        entries = try Self.named(
            all.filter { [choice] in choice.exclusion(of: $0.name) == nil }, database,
            FileNames(metadata: metadata, configuration: options.configuration, renames: options.renames)
        ) { name in collections.first { $0.name.hasSameBytes(as: name) }?.first.line }
    }

    /// All names of the file's collections: those in the file and those in the database.
    var names: [String] { choice.allNames(of: entries.map(\.name) + excluded.map(\.name)) }

    /// The names of the collections that are written to.
    var databaseNames: Set<String> { Set(entries.map(\.databaseName)) }

    /// - Throws: ``FerryError`` if something that exists cannot be written to or replaced.
    func plan(_ survey: FileSurvey, _ references: [Reference], _ there: LiveCatalog) throws -> ImportPlan {
        var plan = ImportPlan(mode: options.mode, database: database)
        plan.fileDatabase = metadata?.database
        let live = there.collections
        try checkLookAlikes(there)
        let graph = ReferenceGraph(
            collections: entries.map(\.name), references: entries.thatCount(of: references))
        plan.cycles = graph.cycles
        let places = Dictionary(uniqueKeysWithValues: graph.order.enumerated().map { ($1, $0) })
        let rows = entries.filter { $0.kind != .view }.sorted { places[$0.name] ?? 0 < places[$1.name] ?? 0 }
        var steps = try rows.map { try step($0, survey.rows(of: $0.name)?.count ?? 0, there) }
        try checkSomethingIsLeft(of: steps, survey)
        // Collections that cannot be swapped are replaced last, when everything else is safely in place.
        steps = steps.filter { $0.way != .inPlace } + steps.filter { $0.way == .inPlace }
        steps += try ViewOrder.sorted(entries.filter { $0.kind == .view }).map { try step($0, 0, there) }
        plan.steps = steps
        plan.leftOut = excluded.map(\.name)
        // The user may not be aware of a configuration that lies in the folder.
        let configured = excluded.filter { entry in
            (options.collections.isEmpty || options.collections.contains { $0.matches(entry.name) })
                && choice.option(excluding: entry.name) == nil
        }
        plan.reasonsToLeaveOut = Dictionary(configured.map { ($0.name, $0.reason) }) { first, _ in first }
        let written = Set(steps.map(\.databaseName))
        plan.isPartlySeen = UnseenOptions.isPartial(live)
        plan.untouched = live.map(\.name).filter {
            !written.contains($0) && !ServerNames.contains($0) && !OwnNames.contains($0)
        }
        .sorted()
        plan.unchecked = unchecked(references, plan)
        plan.views = Set(steps.filter { $0.way == .view }.map(\.databaseName))
            .union(Set(plan.untouched).intersection(live.filter { $0.kind == .view }.map(\.name)))
        plan.stagingBytes = steps.filter { $0.way == .staged }.reduce(0) { $0 + (survey.rows(of: $1.name)?.bytes ?? 0) }
        return plan
    }

    private func unchecked(
        _ references: [Reference], _ plan: ImportPlan
    ) -> [(collection: String, target: String)] {
        let names = FileNames(metadata: metadata, configuration: options.configuration, renames: options.renames)
        let untouched = Set(plan.untouched.map(ExactName.init))
        let replaced = Set(plan.steps.filter { $0.isReplaced && !$0.wasEmpty }.map { ExactName($0.databaseName) })
        var seen: Set<[ExactName]> = []
        return references.map { (names.databaseName(of: $0.collection), names.databaseName(of: $0.target)) }
            .filter { collection, target in
                untouched.contains(ExactName(collection)) && replaced.contains(ExactName(target))
                    && seen.insert([ExactName(collection), ExactName(target)]).inserted
            }
    }

    /// Checks that a replace does not drop a collection whose exclusion is misspelled.
    /// - Throws: ``FerryError`` for an exclusion that matches nothing, and whose pattern is nearly the name of an
    ///   existing collection that would be replaced.
    func checkExclusions(_ there: LiveCatalog) throws {
        let configured = options.configuration
        let exclusions =
            options.exclude.map { ($0, "--exclude '\($0)'") }
            + configured.exclude.map { ($0, configured.text(ofExclusion: $0)) }
        let known = names + there.collections.map(\.name)
        let lost = entries.filter { there[$0.databaseName] != nil }.flatMap { [$0.name, $0.databaseName] }
        for (glob, text) in exclusions where !known.contains(where: glob.matches) {
            guard let meant = NearestName.mistyped(glob.pattern, among: lost) else { continue }
            throw FerryError(
                "\(text) matches no collection of the file or of \(database), and --mode replace would replace '\(meant)'",
                kind: .usage, details: [FerryError.nothingWritten],
                advice: ["Did you mean '\(meant)'? If it is to be replaced, leave that exclusion out."])
        }
    }

    /// Checks that no collection is replaced by nothing because none of its rows can be taken: nobody who sets rows
    /// aside wants that.
    /// - Throws: ``FerryError`` if documents would be lost.
    func checkSomethingIsLeft(of steps: [ImportPlan.Step], _ survey: FileSurvey) throws {
        for step in steps {
            let unusable = survey.problems.count(of: step.name)
            guard unusable > 0, step.records <= survey.problemCount(amongRowsOf: step.name) else { continue }
            try Self.checkLoss(of: step, unusable: unusable, details: [FerryError.nothingWritten])
        }
    }

    /// - Parameter unusable: the number of the collection's rows, none of which can be taken.
    /// - Throws: ``FerryError`` if a replace would lose documents for nothing.
    static func checkLoss(of step: ImportPlan.Step, unusable: Int, details: [String] = []) throws {
        guard step.isReplaced, let live = step.liveCount, live > 0 else { return }
        throw FerryError(
            "none of the \(unusable.counted("row")) of \(BackupMetadata.shown(step.name)) can be taken, and --mode replace would leave nothing of the \(live.counted("document")) in \(BackupMetadata.shown(step.databaseName))",
            kind: .data, details: details,
            advice: [
                "Mend the rows, or leave what is there as it is: --exclude \(step.name.shellWord)."
            ])
    }

    /// Plans collections again that other programs have created, dropped or replaced since; each keeps its place in the
    /// order.
    /// - Returns: what happened to them, by their names in the file.
    /// - Throws: ``FerryError`` if something that exists now cannot be written to or replaced.
    func planAgain(_ plan: inout ImportPlan, _ there: LiveCatalog) throws -> [String: Change] {
        try checkLookAlikes(there)
        var changes: [String: Change] = [:]
        for index in plan.steps.indices {
            let step = plan.steps[index]
            guard let change = change(of: step, there), let entry = entries.first(where: { $0.name == step.name })
            else {
                // It may no longer be empty.
                if let now = there.contents[step.databaseName] { plan.steps[index].live.setCount(now.count) }
                continue
            }
            plan.steps[index] = try self.step(entry, step.records, there)
            changes[step.name] = change
        }
        return changes
    }

    /// What other programs have done to a collection since the plan was made.
    enum Change { case created, dropped, replaced }

    private func change(of step: ImportPlan.Step, _ there: LiveCatalog) -> Change? {
        guard let existing = there[step.databaseName] else { return step.live.exists ? .dropped : nil }
        guard step.live.exists else { return .created }
        // Planning it again checks whether it can still be written.
        guard step.live.isView == (existing.kind == .view) else { return .replaced }
        // Views have no UUID, and some users may not see it.
        guard let before = step.live.collection?.uuid, let now = there.identities.uuid(of: step.databaseName) else {
            return nil
        }
        return before == now ? nil : .replaced
    }

    /// Servers compare names by their bytes, Swift's strings by canonical equivalence: `é` can be one character or two.
    /// The file's collection would be mistaken for another one of the database.
    private func checkLookAlikes(_ there: LiveCatalog) throws {
        for name in entries.map(\.databaseName) where there.hasLookAlike(of: name) {
            throw FerryError(
                "'\(name.oneLine)' looks the same as a collection of \(database): one has composed, the other decomposed characters",
                details: [FerryError.nothingWritten],
                advice: ["--rename gives the file's another name; --exclude leaves it out."])
        }
    }

    /// Gives each collection its name in the database.
    private static func named(
        _ chosen: [BackupMetadata.Collection], _ database: String, _ names: FileNames,
        firstLine: (String) -> Int?
    ) throws -> [BackupMetadata.Collection] {
        var entries = chosen
        for index in entries.indices {
            entries[index].databaseName = names.databaseName(of: entries[index].name)
            do {
                try TargetName.check(
                    entries[index].databaseName, in: database, isRenamed: names.renames[entries[index].name] != nil,
                    isTimeSeries: entries[index].kind == .timeseries)
            } catch var error as FerryError {
                let line = firstLine(entries[index].name)
                if let line { error.details.insert("Its first row stands in line \(line).", at: 0) }
                throw error
            }
        }
        try FileNames.check(entries.map { ($0.name, $0.databaseName) }, "would both be written to")
        return entries
    }
}
