import BSON
import BackupFile
import Relations

/// The plan in words.
extension ImportPlan {
    /// The plan for people to read, line by line.
    public var lines: [String] {
        let width = steps.map { TextWidth.columns(BackupMetadata.shown($0.databaseName)) }.max() ?? 0
        return head + steps.enumerated().flatMap { lines(of: $1, number: $0 + 1, width: width) } + remarks
            + consequences
    }

    /// The target, and where the file comes from.
    private var head: [String] {
        var lines = ["import into \(database), mode \(mode.rawValue):"]
        if !server.isEmpty { lines.append("  on \(server)") }
        if let fileDatabase, !fileDatabase.hasSameBytes(as: database) {
            lines.append("  the file is a backup of another database: \(BackupMetadata.shown(fileDatabase))")
        }
        if let versions {
            lines.append(
                "  the file is from MongoDB \(BackupMetadata.shown(versions.file)), this is \(versions.here): it may refuse options, indexes and views that it does not know"
            )
        }
        if let missing {
            lines.append(
                "  there is no database \(missing.name) yet: it will be created"
                    + (missing.hint(without: fileDatabase).map { ". \($0)" } ?? ""))
        }
        return lines
    }

    /// - Parameter width: the width of the longest name, in columns.
    private func lines(of step: Step, number: Int, width: Int) -> [String] {
        let name = TextWidth.padded(BackupMetadata.shown(step.databaseName), to: width)
        let isView = step.way == .view
        let line = "  \(number). \(name)  " + (isView ? viewText(step) : collectionText(step))
        let losses = isView ? [] : [textOfPart(step), step.textOfCapped, textOfValidator(step)].compactMap(\.self)
        return [line] + (losses + step.differences + step.doubts).map { "     \($0)" }
            + step.code.map { "     code that the server runs: \($0)" }
    }

    private func collectionText(_ step: Step) -> String {
        var text = "\(step.way.rawValue), \(max(0, step.records - step.setAside).counted("record"))"
        if !step.databaseName.hasSameBytes(as: step.name) { text += " of \(BackupMetadata.shown(step.name))" }
        if step.liveIsView { return text + " (a view has that name now)" }
        return text + (step.liveCount.map { " (\($0.grouped) there now)" } ?? textOfNew)
    }

    /// Of what is not in the server's list.
    private var textOfNew: String { isPartlySeen ? " (new, or the user cannot see it)" : " (new)" }

    /// What is not written, and other remarks about collections.
    private var remarks: [String] {
        var lines: [String] = []
        if let first = setAside.first {
            lines.append(
                "  set aside: \(setAside.count.counted("row that cannot", "rows that cannot")) be taken, first line \(first.line): \(first.reason.oneLine.excerpt(200))"
            )
        }
        for cycle in cycles { lines.append("  refer to each other, a cycle: \(Self.list(cycle))") }
        if !leftOut.isEmpty {
            let names = leftOut.map { name in
                BackupMetadata.shown(name) + (reasonsToLeaveOut[name].map { " (\($0))" } ?? "")
            }
            lines.append("  not imported: \(names.joined(separator: ", "))")
        }
        if !untouched.isEmpty { lines.append("  left alone: \(Self.list(untouched))") }
        for (collection, target) in unchecked {
            lines.append(
                "  \(BackupMetadata.shown(collection)) refers to \(BackupMetadata.shown(target)), and is left alone: whether it dangles then, `verify --db` says"
            )
        }
        return lines
    }

    /// What happens to existing documents, and on the server.
    private var consequences: [String] {
        var lines = losses
        let lost = steps.filter(\.isReplaced).compactMap(\.liveCount).reduce(0, +)
        if lost > 0 { lines.append("  replaced and gone afterwards: the \(Self.there(lost))") }
        if isSharded, steps.contains(where: { $0.isReplaced && $0.way != .view && $0.live.collection != nil }) {
            lines.append(
                "  the server is a sharded cluster: a collection that is replaced is on one shard afterwards, until you shard it again"
            )
        }
        if stagingBytes > 0 {
            lines.append(
                "  room that the staging takes on the server: about \(ByteText.text(stagingBytes)) before compression")
        }
        return lines
    }

    /// Warns that a replace by a file that has only some documents loses all others; nil if it does not.
    func textOfPart(_ step: Step) -> String? {
        guard step.isReplaced, let live = step.liveCount, live > 0 else { return nil }
        if isOfRejects {
            return
                "the file has only rows that an import has set aside: all others that are there will be gone; --mode merge adds these to them"
        }
        guard let query = step.query else { return nil }
        return
            "the file has only the documents that \(query.oneLine.excerpt(200)) matches: all others that are there will be gone"
    }

    /// Warns that a view reads a collection of the file that does not exist under that name after this import, or is
    /// another one there; nil if neither is so.
    func textOfOtherSource(_ step: Step) -> String? {
        guard step.way == .view else { return nil }
        let there = Set((steps.map(\.databaseName) + untouched).map { ExactName($0) })
        for source in ViewSources.sources(of: step.entry.options).sorted() {
            let name = BackupMetadata.shown(source.text)
            let renamed = steps.first {
                ExactName($0.nameAtExport ?? $0.name) == source && ExactName($0.databaseName) != source
            }
            if let renamed {
                return "it stands on \(name), which is \(BackupMetadata.shown(renamed.databaseName)) here: "
                    + (there.contains(source)
                        ? "the view shows what is \(name) in \(database), not the file's"
                        : "the view shows nothing of it")
            }
            if !there.contains(source), leftOut.contains(source.text) {
                return
                    "it stands on \(name), which is not imported and not in \(database): the view shows nothing of it"
            }
        }
        return nil
    }

    private func textOfValidator(_ step: Step) -> String? {
        guard bypasses(step) else { return nil }
        return "its validator is passed by: documents that it refuses are written all the same"
    }

    private func viewText(_ step: Step) -> String {
        let isThere = step.live.exists
        if mode == .replace { return step.way.rawValue + (isThere ? "" : textOfNew) }
        return "view" + (isThere ? " (it is there, and stays as it is)" : textOfNew)
    }

    private static func list(_ names: [String]) -> String {
        names.map { BackupMetadata.shown($0) }.joined(separator: ", ")
    }

    private static func there(_ count: Int) -> String {
        count.counted("document that is there now", "documents that are there now")
    }

    /// What a merge or an insert may do to the documents that exist now.
    private var losses: [String] {
        let there = steps.filter { !$0.isReplaced }.compactMap(\.liveCount).reduce(0, +)
        guard there > 0 else { return [] }
        switch mode {
        case .merge:
            return [
                "  of the \(Self.there(there)), those that differ from the file's are overwritten"
                    + (isDryRun ? "" : "; --dry-run counts them")
            ]
        case .insert:
            let kept = steps.map(\.keptCount).reduce(0, +)
            return kept == 0 ? [] : ["  the \(Self.there(kept)) \(kept == 1 ? "stays as it is" : "stay as they are")"]
        case .replace: return []
        }
    }
}
