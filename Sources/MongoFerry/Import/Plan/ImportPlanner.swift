import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Works out the plan of an import: names, order, what is there now, what differs.
struct ImportPlanner {
    let database: String
    let options: ImportOptions
    let metadata: BackupMetadata?
    /// What of the file is imported, with the names that it gets in the database.
    let entries: [BackupMetadata.Collection]
    /// What of the file is not.
    let excluded: [BackupMetadata.Exclusion]

    /// - Parameter collections: those that have rows in the file and how many, which count where it has no metadata.
    /// - Throws: ``FerryError`` for names that are not in the file, or cannot be written to.
    init(
        database: String, options: ImportOptions, metadata: BackupMetadata?, collections: [FileSurvey.Rows]
    ) throws {
        self.database = database
        self.options = options
        self.metadata = metadata
        let all = metadata?.collections ?? collections.map { .init(name: $0.name, records: $0.count) }
        let choice = options.choice(of: metadata)
        try choice.check(against: all.map(\.name))
        excluded = choice.exclusions(among: all.map(\.name))
        entries = try Self.named(
            all.filter { choice.exclusion(of: $0.name) == nil }, database,
            FileNames(metadata: metadata, configuration: options.configuration, renames: options.renames))
    }

    /// All of the file.
    var names: [String] { entries.map(\.name) + excluded.map(\.name) }

    /// The names that are written to.
    var databaseNames: Set<String> { Set(entries.map(\.databaseName)) }

    /// - Throws: ``FerryError`` where file and database mean different things by one name.
    func plan(_ survey: FileSurvey, _ references: [Reference], _ there: LiveCatalog) throws -> ImportPlan {
        var plan = ImportPlan(mode: options.mode, database: database)
        plan.fileDatabase = metadata?.database
        let live = there.collections
        try checkLookAlikes(there)
        let graph = ReferenceGraph(collections: entries.map(\.name), references: references)
        plan.cycles = graph.cycles
        let places = Dictionary(uniqueKeysWithValues: graph.order.enumerated().map { ($1, $0) })
        let rows = entries.filter { $0.kind != .view }.sorted { places[$0.name] ?? 0 < places[$1.name] ?? 0 }
        var steps = try rows.map { try step($0, survey.rows(of: $0.name)?.count ?? 0, there) }
        for step in steps { try checkSomethingIsLeft(of: step, survey) }
        // What cannot be swapped is replaced last, when everything else is safely there.
        steps = steps.filter { $0.way != .inPlace } + steps.filter { $0.way == .inPlace }
        steps += try ViewOrder.sorted(entries.filter { $0.kind == .view }).map { try step($0, 0, there) }
        plan.steps = steps
        plan.kept = there.kept
        plan.leftOut = excluded.map(\.name)
        // Of a configuration that lies in the folder nobody may have thought.
        let configured = excluded.filter { entry in
            (options.collections.isEmpty || options.collections.contains { $0.matches(entry.name) })
                && !options.exclude.contains { $0.matches(entry.name) }
        }
        plan.reasonsToLeaveOut = Dictionary(configured.map { ($0.name, $0.reason) }) { first, _ in first }
        let written = Set(steps.map(\.databaseName))
        plan.untouched = live.map(\.name).filter {
            !written.contains($0) && !$0.hasScalarPrefix("system.") && !OwnNames.contains($0)
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

    /// A collection of which no row can be read would be replaced by nothing: nobody who sets rows aside means that.
    /// - Throws: ``FerryError`` where there is something that would be lost.
    private func checkSomethingIsLeft(of step: ImportPlan.Step, _ survey: FileSurvey) throws {
        let unusable = survey.problems.counts[step.name, default: 0]
        guard step.isReplaced, let live = step.liveCount, live > 0, unusable > 0,
            step.records <= survey.problemCount(amongRowsOf: step.name)
        else { return }
        throw FerryError(
            "none of the \(unusable.counted("row")) of \(BackupMetadata.shown(step.name)) can be taken, and --mode replace would leave nothing of the \(live.counted("document")) in \(step.databaseName)",
            kind: .data, details: ["Nothing was written."],
            advice: [
                "Mend the rows, or leave what is there as it is: --exclude \(Report.shellWord(step.name))."
            ])
    }

    /// Plans those collections again that other programs have created, dropped or replaced since, which keep their places.
    /// - Returns: what became of them, by their names in the file.
    /// - Throws: ``FerryError`` where file and database mean different things by one name now.
    func planAgain(_ plan: inout ImportPlan, _ there: LiveCatalog) throws -> [String: Change] {
        try checkLookAlikes(there)
        var changes: [String: Change] = [:]
        for index in plan.steps.indices {
            let step = plan.steps[index]
            guard let change = change(of: step, there), let entry = entries.first(where: { $0.name == step.name })
            else {
                // It may be empty no more.
                if !step.liveIsView, let now = there.contents[step.databaseName] {
                    plan.steps[index].liveCount = now.count
                }
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
        let wasThere = step.liveOptions != nil || step.liveIsView || step.uuid != nil || step.liveCount != nil
        guard there[step.databaseName] != nil else { return wasThere ? .dropped : nil }
        guard wasThere else { return .created }
        // Whether that is possible is looked at again.
        let wasView = step.way == .view ? step.liveCount == nil : step.liveIsView
        guard wasView == (there[step.databaseName]?.kind == .view) else { return .replaced }
        // Views have none, and some users may not see it.
        guard let before = step.uuid, let now = there.identities.uuid(of: step.databaseName) else { return nil }
        return before == now ? nil : .replaced
    }

    /// Servers tell names apart by their bytes, Swift's strings by their look: `é` can be one character or two. The file's
    /// collection would be taken for the database's other one.
    private func checkLookAlikes(_ there: LiveCatalog) throws {
        for name in entries.map(\.databaseName) where there.hasLookAlike(of: name) {
            throw FerryError(
                "'\(name)' looks the same as a collection of \(database): one has composed, the other decomposed characters",
                details: ["Nothing was written."],
                advice: ["--rename gives the file's another name; --exclude leaves it out."])
        }
    }

    /// Gives each the name that it gets in the database.
    private static func named(
        _ chosen: [BackupMetadata.Collection], _ database: String, _ names: FileNames
    ) throws -> [BackupMetadata.Collection] {
        var entries = chosen
        for index in entries.indices {
            entries[index].databaseName = names.databaseName(of: entries[index].name)
            try TargetName.check(
                entries[index].databaseName, in: database, isRenamed: names.renames[entries[index].name] != nil)
        }
        try FileNames.check(entries.map { ($0.name, $0.databaseName) }, "would both be written to")
        return entries
    }

    private func step(
        _ entry: BackupMetadata.Collection, _ records: Int, _ there: LiveCatalog
    ) throws -> ImportPlan.Step {
        let existing = there[entry.databaseName]
        var step = ImportPlan.Step(
            name: entry.name, databaseName: entry.databaseName, way: .merge, records: records, entry: entry)
        let kept = kept(entry.databaseName, existing, there)
        step.kept = kept
        step.keptBefore = there.kept[entry.databaseName]
        let isSeries = existing?.kind == .timeseries || kept?.definition.kind == .timeseries
        let existingIsView = existing?.kind == .view
        step.liveIsView = existingIsView && entry.kind != .view
        switch (entry.kind, options.mode) {
        case (.view, _): step.way = .view
        case (_, .merge): step.way = .merge
        case (_, .insert): step.way = .insert
        case (.timeseries, .replace): step.way = .inPlace
        case (.collection, .replace):
            // Servers rename no collection of Queryable Encryption.
            let isEncrypted = [entry.options, existing?.options].contains { $0?["encryptedFields"] != nil }
            step.way = options.inPlace || isSeries || isEncrypted ? .inPlace : .staged
        }
        if existing == nil || options.mode == .replace {
            step.doubts = CatalogDoubts.texts(entry)
        } else if metadata != nil, let live = there.contents[entry.databaseName] {
            // Only what is missing is built.
            var missing = entry
            missing.options = Document()
            let names = Set(live.indexes.map(CollectionDifferences.name))
            missing.indexes.removeAll { names.contains(CollectionDifferences.name(of: $0)) }
            step.doubts = CatalogDoubts.texts(missing)
        }
        try checkKinds(entry, existing)
        if let text = try textOfOrphanedStorage(entry, existing, there) {
            step.hasOrphanedStorage = true
            step.targetDifferences.append(TargetDifference(text))
        }
        if entry.kind == .view {
            step.code = ServerSideCode.found(in: entry)
            if let existing { compareView(&step, existing, there) }
            return step
        }
        step.query = metadata.flatMap { metadata in
            metadata.collection(named: entry.name).flatMap { metadata.query(of: $0) }
        }
        step.uuid = there.identities.uuid(of: entry.databaseName)
        if let hint = try hintOfSlowMerge(step, there) { step.targetDifferences.append(hint) }
        guard let existing, !existingIsView else {
            if let kept { take(kept, into: &step, options: [:], indexes: []) }
            step.code = ServerSideCode.found(in: entry)
            if existing == nil, let hint = there.nameHints.hint(entry.databaseName) {
                step.targetDifferences.append(TargetDifference(hint))
            }
            return step
        }
        if !existing.hasDetails {
            // Without its time field no measurement can be found that is there already.
            let isBlind = existing.kind == .timeseries && metadata == nil
            guard options.mode != .replace, !isBlind else { throw UnseenOptions.error(existing.name, in: database) }
            step.targetDifferences.append(
                TargetDifference("its options cannot be seen: the user may not list the database's collections"))
        }
        step.liveOptions = existing.options
        let contents = there.contents[entry.databaseName]
        let liveIndexes = contents?.indexes ?? []
        step.liveCount = contents?.count
        if metadata == nil {
            // A file that says nothing about itself: the live collection's own options and indexes stay.
            step.entry.options = existing.options
            step.entry.indexes = liveIndexes
            if existing.kind == .timeseries { step.entry.kind = .timeseries }
            if let kept { take(kept, into: &step, options: existing.options, indexes: liveIndexes) }
        } else {
            step.targetDifferences += CollectionDifferences.told(
                entry, options: existing.options, indexes: liveIndexes, mode: options.mode)
        }
        step.code = ServerSideCode.found(in: step.entry)
        return step
    }

    /// What a server has of a time series whose drop it did not end: a new one would have its measurements again, and what is
    /// inserted into a plain collection of that name goes there, and is not seen (6.0.5).
    /// - Throws: ``FerryError`` where it is not to be replaced.
    private func textOfOrphanedStorage(
        _ entry: BackupMetadata.Collection, _ existing: CollectionInfo?, _ there: LiveCatalog
    ) throws -> String? {
        let name = entry.databaseName
        guard entry.kind != .view, existing?.kind != .timeseries, there.identities.hasStorage(of: name) else {
            return nil
        }
        let storage = CollectionIdentities.storage(of: name)
        guard options.mode == .replace else {
            throw FerryError(
                "\(storage) is in \(database), and no time series \(name): a drop of it was not ended, and what is written to \(name) goes there",
                details: ["Nothing was written."],
                advice: [
                    "--mode replace removes it. db.createCollection(…) in mongosh, with the same options, shows its measurements again."
                ])
        }
        return "\(storage) is there, of a time series whose drop was not ended: it goes, with what measurements it has"
    }

    /// So many rows are found soon without an index, too.
    private static let manyRecords = 10_000

    private func hintOfSlowMerge(_ step: ImportPlan.Step, _ there: LiveCatalog) throws -> TargetDifference? {
        guard step.way == .merge, step.entry.kind == .collection, step.records >= Self.manyRecords else { return nil }
        let key = try DocumentKey(options.upsertKeys)
        let live = there.contents[step.databaseName]?.indexes ?? []
        guard !key.isHelped(by: live + step.entry.indexes) else { return nil }
        return TargetDifference(
            "no index begins with \(key.names.listed("or")): the server looks through all documents every few thousand rows; an index on \(key.names.count == 1 ? "it" : "them") makes the merge faster"
        )
    }

    /// What an interrupted import has kept of a collection that it dropped, where the file says nothing and there is none
    /// yet, or not all of it.
    private func kept(
        _ name: String, _ existing: CollectionInfo?, _ there: LiveCatalog
    ) -> KeptDefinitions.Entry? {
        guard metadata == nil, let kept = there.kept[name], kept.file == nil else { return nil }
        let counts = kept.counts(
            for: existing, uuid: there.identities.uuid(of: name), indexes: there.contents[name]?.indexes ?? [])
        return counts ? kept : nil
    }

    /// Adds what was kept to the live collection's own options and indexes, where there is one.
    private func take(
        _ kept: KeptDefinitions.Entry, into step: inout ImportPlan.Step, options live: Document, indexes: [Document]
    ) {
        // Without options it is not there, or was made by another program's insert, or never had any.
        let takesAll = live.isEmpty && !kept.isOfRefused && (step.liveOptions == nil || options.mode == .replace)
        if takesAll {
            let names = Set(kept.definition.indexes.map(CollectionDifferences.name))
            step.entry.kind = kept.definition.kind
            step.entry.options = kept.definition.options
            step.entry.indexes =
                kept.definition.indexes + indexes.filter { !names.contains(CollectionDifferences.name(of: $0)) }
        } else {
            step.entry.indexes = indexes + kept.indexesMissing(in: indexes)
        }
        if let text = kept.textOfMissing(options: takesAll ? [:] : kept.definition.options, indexes: indexes) {
            let why =
                kept.isOfRefused
                ? "the server refused it in an earlier import" : "it had before an import was interrupted"
            step.targetDifferences.append(TargetDifference("it gets what \(why): \(text)"))
        }
        if live.isEmpty, !takesAll, !kept.isOfRefused, !kept.definition.options.isEmpty {
            let names = kept.definition.options.keys.joined(separator: ", ")
            step.targetDifferences.append(
                TargetDifference(
                    "it lacks options that it had before an import was interrupted; --mode replace gives them back: \(names)"
                ))
        }
    }

    /// Only replace can make a view of a collection, or the other way round.
    /// - Throws: ``FerryError`` where file and database mean different things by one name.
    private func checkKinds(_ entry: BackupMetadata.Collection, _ existing: CollectionInfo?) throws {
        guard let existing, options.mode != .replace else { return }
        let live = Self.kindText(existing.kind)
        let file = Self.kindText(entry.kind)
        // A file without metadata doesn't know what its collections are.
        guard live != file, metadata != nil || existing.kind == .view else { return }
        throw FerryError(
            "'\(entry.databaseName)' is a \(live) in \(database), and a \(file) in the file",
            details: ["Nothing was written."],
            advice: [
                "--mode replace takes the file's; --exclude leaves it out; --rename gives it another name."
            ])
    }

    private static func kindText(_ kind: CollectionInfo.Kind) -> String {
        switch kind {
        case .collection: "collection"
        case .view: "view"
        case .timeseries: "time series"
        case .other(let name): name
        }
    }

    private static func kindText(_ kind: BackupMetadata.Collection.Kind) -> String {
        switch kind {
        case .collection: "collection"
        case .view: "view"
        case .timeseries: "time series"
        }
    }

    private func compareView(_ step: inout ImportPlan.Step, _ existing: CollectionInfo, _ there: LiveCatalog) {
        step.liveOptions = existing.options
        if existing.kind == .view {
            step.targetDifferences = CollectionDifferences.told(
                step.entry, options: existing.options, indexes: [], mode: options.mode)
            return
        }
        step.liveCount = there.contents[existing.name]?.count ?? 0
        step.targetDifferences = [
            TargetDifference("a \(Self.kindText(existing.kind)) has that name now; the file's view takes its place")
        ]
    }
}
