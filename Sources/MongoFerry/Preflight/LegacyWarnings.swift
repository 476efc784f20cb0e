import BackupFile
import Relations

/// What is doubtful about the types decided for a legacy file's rows.
struct LegacyWarnings {
    let survey: FileSurvey
    let resolution: LegacyResolution
    let choice: FileChoice
    /// How many bad rows may be set aside.
    let maximumRejects: Int

    /// In the order in which they are told.
    var texts: [String] { unusedTypes + unmarkedRows + doubts + conflictsOfBadRows }

    private func isTaken(_ name: String) -> Bool { choice.exclusion(of: name) == nil }

    /// Types in the configuration that have no effect: what they were meant for stays as it is, or becomes what the
    /// rows show.
    private var unusedTypes: [String] {
        let configuration = choice.configuration
        let typed = configuration.collections.filter { !$0.types.isEmpty }
        let absent = resolution.absentTypes.map { type in
            "\(file) has a type of \(type.collection).\(type.path): \(type.problem)"
        }
        let unmarked = typed.compactMap { entry -> String? in
            guard let rows = survey.unmarkedRows[ExactName(entry.name)], isTaken(entry.name) else { return nil }
            return
                "\(file) has types of '\(entry.name)': \(rows.counted("row is", "rows are")) taken for Extended JSON all the same, since others of the file are, and \(rows == 1 ? "stays" : "stay") as written"
        }
        let names = survey.rows.map(\.name)
        // Collections with references have a warning about these.
        let rowless = typed.filter {
            $0.references.isEmpty && survey.rows(of: $0.name) == nil
                && configuration.exclusion(ofFileName: $0.name) == nil
        }.map {
            "\(file) has types of '\($0.name)', which has no rows in the file\(NearestName.question($0.name, among: names))"
        }
        return absent + unmarked + rowless
    }

    private var file: String { choice.configuration.file ?? "the configuration" }

    /// Rows that nothing marks as the old application's in a file that has others, and whose ids and dates then stay
    /// strings.
    private var unmarkedRows: [String] {
        let found = survey.unmarkedLookAlikes.filter { isTaken($0.collection) }
        return Dictionary(grouping: found, by: \.collection).sorted { $0.key < $1.key }.map { name, paths in
            let rows = survey.unmarkedRows[ExactName(name)] ?? 0
            let texts = paths.prefix(5).map { entry in
                let ids = entry.ids == 0 ? nil : entry.ids.counted("value of 24 hex digits", "values of 24 hex digits")
                let dates = entry.dates == 0 ? nil : entry.dates.counted("date")
                return "\([ids, dates].compactMap(\.self).listed("and")) in \(entry.path)"
            }
            let more = paths.count > texts.count ? " and \((paths.count - texts.count).counted("other path"))" : ""
            return
                "\(name): \(rows.counted("row has", "rows have")) no wrapper such as {\"$oid\": …}, and line \(survey.kinds.firstWrapped) has one, so that \(rows == 1 ? "it is" : "they are") read as Extended JSON: strings stay \(texts.joined(separator: ", "))\(more). If the old application wrote \(rows == 1 ? "it" : "them"), import \(rows == 1 ? "it" : "them") in a file without the others"
                .oneLine
        }
    }

    private var doubts: [String] {
        LegacyResolution.lines(
            (resolution.conflicts + resolution.lookAlikes).filter { $0.isDoubt && isTaken($0.collection) })
    }

    /// Rules that rows contradict, where some of these are bad ones that are to be set aside.
    private var conflictsOfBadRows: [String] {
        guard survey.problems.count > 0, survey.problems.count <= maximumRejects else { return [] }
        let conflicts = resolution.conflicts.filter {
            !$0.isDoubt && survey.problems.count(of: $0.collection) > 0 && isTaken($0.collection)
        }
        return LegacyResolution.lines(
            conflicts.map { conflict in
                var conflict = conflict
                conflict.problem +=
                    ", for the rows that are set aside count here, too; take them out of the file first if they are to blame"
                return conflict
            })
    }
}
