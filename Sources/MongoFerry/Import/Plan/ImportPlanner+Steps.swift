import BSON
import BackupFile
import MongoDriver
import Relations

/// Plans each collection or view from what the file and the database have under its name.
extension ImportPlanner {
    /// - Throws: ``FerryError`` if what exists under the name cannot be written to or replaced.
    func step(
        _ entry: BackupMetadata.Collection, _ records: Int, _ there: LiveCatalog
    ) throws -> ImportPlan.Step {
        let existing = there[entry.databaseName]
        let kept = kept(entry.databaseName, existing, there)
        var step = ImportPlan.Step(
            name: entry.name, databaseName: entry.databaseName, way: way(of: entry, existing, kept, there),
            records: records, entry: entry)
        step.nameAtExport = metadata?.collection(named: entry.name)?.databaseName
        step.kept = kept
        step.keptBefore = there.kept[ExactName(entry.databaseName)]
        if let existing { step.live = seen(existing, there) }
        step.doubts = doubts(of: entry, existing, there)
        try checkKinds(entry, existing)
        // A view that cannot be seen could not be restored if the replace fails.
        if let existing, existing.kind == .view, !existing.hasDetails, options.mode == .replace {
            throw UnseenOptions.error(existing.name, in: database)
        }
        if let text = try textOfOrphanedStorage(entry, existing, there) {
            step.hasOrphanedStorage = true
            step.targetDifferences.append(TargetDifference(text))
        }
        if let existing, step.liveIsView { step.targetDifferences.append(Self.viewThatGoes(existing)) }
        if entry.kind == .view {
            if let existing { try compareView(&step, existing, there) }
        } else {
            step.query = metadata?.collection(named: entry.name).flatMap { metadata?.query(of: $0) }
            if let hint = try hintOfSlowMerge(step, there) { step.targetDifferences.append(hint) }
            if let existing, !step.live.isView {
                try compareCollection(&step, existing, there)
            } else {
                if let kept { take(kept, into: &step, options: [:], indexes: []) }
                if existing == nil, let hint = there.nameHints.hint(entry.databaseName) {
                    step.targetDifferences.append(TargetDifference(hint))
                }
            }
        }
        step.code = ServerSideCode.found(in: step.entry)
        return step
    }

    /// How a collection or view is written.
    private func way(
        of entry: BackupMetadata.Collection, _ existing: CollectionInfo?, _ kept: KeptDefinitions.Entry?,
        _ there: LiveCatalog
    ) -> ImportPlan.Way {
        switch (entry.kind, options.mode) {
        case (.view, _): return .view
        case (_, .merge): return .merge
        case (_, .insert): return .insert
        case (.timeseries, .replace): return .inPlace
        case (.collection, .replace):
            let isSeries = existing?.kind == .timeseries || kept?.definition.kind == .timeseries
            // Servers do not rename collections that use Queryable Encryption.
            let isEncrypted = [entry.options, existing?.options, kept?.definition.options].contains {
                $0?["encryptedFields"] != nil
            }
            let cannotBeRenamedOver = there.contents[entry.databaseName]?.cannotBeRenamedOver ?? false
            return options.inPlace || isSeries || isEncrypted || cannotBeRenamedOver ? .inPlace : .staged
        }
    }

    /// What the server may refuse or interpret differently when it creates the collection or builds its indexes.
    private func doubts(
        of entry: BackupMetadata.Collection, _ existing: CollectionInfo?, _ there: LiveCatalog
    ) -> [String] {
        if existing == nil || options.mode == .replace { return CatalogDoubts.texts(entry) }
        guard metadata != nil, let live = there.contents[entry.databaseName] else { return [] }
        // Only missing indexes are built.
        var missing = entry
        missing.options = Document()
        let names = Set(live.indexes.map(CollectionDifferences.name))
        missing.indexes.removeAll { names.contains(CollectionDifferences.name(of: $0)) }
        return CatalogDoubts.texts(missing)
    }

    /// What has a step's name in the database.
    private func seen(_ existing: CollectionInfo, _ there: LiveCatalog) -> ImportPlan.Live {
        guard existing.kind != .view else { return .view(options: existing.options) }
        return .collection(
            .init(
                options: existing.options, hidesOptions: !existing.hasDetails,
                count: there.contents[existing.name]?.count ?? 0, uuid: there.identities.uuid(of: existing.name)))
    }

    /// Records how the live collection differs from the file's.
    /// - Throws: ``FerryError`` if too little of it can be seen.
    private func compareCollection(
        _ step: inout ImportPlan.Step, _ existing: CollectionInfo, _ there: LiveCatalog
    ) throws {
        if !existing.hasDetails {
            // Without the time field, existing measurements cannot be found.
            let isBlind = existing.kind == .timeseries && metadata == nil
            guard options.mode != .replace, !isBlind else { throw UnseenOptions.error(existing.name, in: database) }
            step.targetDifferences.append(
                TargetDifference("its options cannot be seen: the user may not list the database's collections"))
        }
        let liveIndexes = there.contents[step.databaseName]?.indexes ?? []
        guard metadata == nil else {
            step.targetDifferences += CollectionDifferences.told(
                step.entry, options: existing.hasDetails ? existing.options : step.entry.options,
                indexes: liveIndexes, mode: options.mode)
            return
        }
        // If the file has no metadata, the live collection keeps its options and indexes.
        step.entry.options = existing.options
        step.entry.indexes = liveIndexes
        if existing.kind == .timeseries { step.entry.kind = .timeseries }
        if let kept = step.kept { take(kept, into: &step, options: existing.options, indexes: liveIndexes) }
    }

    /// The view whose place a collection takes. Once it is gone, only the report says what it was.
    private static func viewThatGoes(_ view: CollectionInfo) -> TargetDifference {
        let definition = JSONText.document(view.options)
        func text(_ definition: String) -> String {
            "the view \(definition) has that name now; the file's collection takes its place"
        }
        return TargetDifference(text(definition.excerpt(200)), detail: text(definition), isMended: true)
    }

    /// Describes what a server still has of a time series whose drop was not finished: a new series of that name would
    /// have the old measurements, and documents inserted into a plain collection of that name go there and are not
    /// visible (6.0.5).
    /// - Throws: ``FerryError`` if it is not to be replaced.
    private func textOfOrphanedStorage(
        _ entry: BackupMetadata.Collection, _ existing: CollectionInfo?, _ there: LiveCatalog
    ) throws -> String? {
        let name = entry.databaseName
        guard entry.kind != .view, existing?.kind != .timeseries, there.identities.hasStorage(of: name) else {
            return nil
        }
        let shown = BackupMetadata.shown(ServerNames.buckets(of: name))
        guard options.mode == .replace else {
            throw FerryError(
                "\(shown) is in \(database), and no time series \(BackupMetadata.shown(name)): a drop of it was not ended, and what is written to \(BackupMetadata.shown(name)) goes there",
                details: [FerryError.nothingWritten],
                advice: [
                    "--mode replace removes it. db.createCollection(…) in mongosh, with the same options, shows its measurements again."
                ])
        }
        return "\(shown) is there, of a time series whose drop was not ended: it goes, with what measurements it has"
    }

    /// Fewer rows are found fast enough without an index.
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

    /// The definition that an interrupted import kept of a collection that it dropped, if the file has no metadata and
    /// the collection does not exist or is incomplete.
    private func kept(
        _ name: String, _ existing: CollectionInfo?, _ there: LiveCatalog
    ) -> KeptDefinitions.Entry? {
        // The interrupted import may have been of another file, which had the definition: this one has none.
        guard metadata == nil, let kept = there.kept[ExactName(name)] else { return nil }
        let isAuthority = kept.isAuthority(
            over: existing, uuid: there.identities.uuid(of: name), indexes: there.contents[name]?.indexes ?? [])
        return isAuthority ? kept : nil
    }

    /// Adds the kept definition to the options and indexes of the live collection, if that exists.
    private func take(
        _ kept: KeptDefinitions.Entry, into step: inout ImportPlan.Step, options live: Document, indexes: [Document]
    ) {
        // A collection without options does not exist, was created by another program's insert, or never had any.
        let takesAll = live.isEmpty && !kept.isOfRefused && (!step.live.exists || options.mode == .replace)
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

    /// Checks the kinds: only a replace can turn a collection into a view or a view into a collection.
    /// - Throws: ``FerryError`` if the name is of different kinds in the file and in the database.
    private func checkKinds(_ entry: BackupMetadata.Collection, _ existing: CollectionInfo?) throws {
        guard let existing, options.mode != .replace else { return }
        let live = existing.kind.text
        let file = entry.kind.text
        // A file without metadata does not know the kinds of its collections.
        guard live != file, metadata != nil || existing.kind == .view else { return }
        throw FerryError(
            "'\(entry.databaseName.oneLine)' is a \(live) in \(database), and a \(file) in the file",
            details: [FerryError.nothingWritten],
            advice: [
                "--mode replace takes the file's; --exclude leaves it out; --rename gives it another name."
            ])
    }

    /// - Throws: ``FerryError`` if the view cannot replace the existing collection.
    private func compareView(
        _ step: inout ImportPlan.Step, _ existing: CollectionInfo, _ there: LiveCatalog
    ) throws {
        if existing.kind == .view {
            step.targetDifferences = CollectionDifferences.told(
                step.entry, options: existing.hasDetails ? existing.options : step.entry.options, indexes: [],
                mode: options.mode)
            return
        }
        // A view takes a collection's place after that is renamed, which servers refuse for such a collection.
        if existing.options["encryptedFields"] != nil {
            throw FerryError(
                "'\(existing.name.oneLine)' is a collection of Queryable Encryption in \(database), and a view in the file",
                details: [FerryError.nothingWritten],
                advice: [
                    "Drop the collection yourself, or leave the view out: --exclude \(step.name.shellWord)."
                ])
        }
        step.targetDifferences = [
            TargetDifference("a \(existing.kind.text) has that name now; the file's view takes its place")
        ]
    }
}
