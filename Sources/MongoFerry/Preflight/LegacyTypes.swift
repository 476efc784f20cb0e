import BSON
import BackupFile
import MongoDriver
import Relations

/// What the strings of a legacy file become, and the references found in a file without metadata.
struct LegacyTypes {
    var resolution: LegacyResolution?
    /// The types in the live documents, by the collections' names in the file.
    var liveTypes: [String: [FieldPath: ObservedType]] = [:]
    /// Rows that a rule of the configuration cannot convert, or whose documents are too large.
    var problems: ProblemList
    var rules: TypeRules? { resolution?.rules }
    /// The references found in samples of the rows: all of those that carry types; of the old application's rows, those
    /// that do not lead to ObjectIds or UUIDs.
    var discoveredReferences: [Reference] = []

    /// All references found.
    var references: [Reference] { (resolution?.references ?? []).merged(with: discoveredReferences) }

    /// - Parameter isLeftOut: whether a collection is not imported, so that its rows do not matter.
    func warnings(except isLeftOut: (String) -> Bool) -> [String] {
        (resolution?.crowded ?? []).filter { !isLeftOut($0) }.map {
            "\(BackupMetadata.shown($0)): the rows have too many different names to infer types from: what the config's types "
                + "do not name stays as it is"
        }
    }

    /// Decides from the configuration, the live data and the rows themselves, then tries the rules on every row.
    /// - Parameters:
    ///   - survey: receives the hashes of `_id`s that the rules convert to something other than an ObjectId.
    ///   - connection: nil if there is no database to look at.
    static func resolve(
        _ survey: inout FileSurvey, _ reader: BackupReader, _ connection: Connection?, _ options: ImportOptions,
        _ operation: OperationContext, jobs: Int
    ) throws -> LegacyTypes {
        guard survey.legacyRows != .none else { return LegacyTypes(problems: ProblemList(limit: 0)) }
        let configuration = options.configuration
        func databaseName(_ name: String) -> String {
            options.renames[name] ?? configuration.databaseName(of: name)
        }
        // The targets of references as well: what leads there has the same type.
        let targets = survey.rows.flatMap { configuration.references(from: $0.name) }.map(\.target)
        let live = try connection.map {
            try LiveTypes(
                $0, of: options.infers ? survey.rows.map(\.name) + targets : [], keys: survey.inference.textIDs,
                operation.cancellation, databaseName)
        }
        let namesInFile = Dictionary(survey.rows.map { (ExactName(databaseName($0.name)), $0.name) }) { first, _ in
            first
        }
        let taken = Set(survey.rows.map { ExactName($0.name) })
        func shownName(_ name: String) -> String? {
            if let known = namesInFile[ExactName(name)] { return known }
            let shown = configuration.fileName(of: name)
            // Nor a name that means another collection of the database.
            guard !taken.contains(ExactName(shown)), databaseName(shown).hasSameBytes(as: name) else { return nil }
            return shown
        }
        let hashes = Dictionary(survey.rows.map { (ExactName($0.name), $0.ids) }) { first, _ in first }
        func idsInFile(_ name: String, _ ids: [ObjectID]) -> [Int] {
            var places: [Int] = []
            hashes[ExactName(name)]?.forEachPlace(of: ids.map { IDHash.hash($0) }) { number, _ in places.append(number)
            }
            return places
        }
        let resolution = try survey.inference.resolve(
            configuration: configuration, liveTypes: live?.types ?? [:], liveTextIDs: live?.textIDs ?? [],
            infer: options.infers,
            databaseCollections: live?.collections ?? [], shownName: shownName, idsInFile: idsInFile
        ) { name, ids in
            guard let connection else { return [] }
            try operation.cancellation.check()
            return try existing(ids, in: name, connection)
        }
        let choice = options.choice(of: reader.metadata)
        warn(ofUnused: resolution.absent, choice, survey, operation)
        warn(ofUnmarked: survey, choice, operation)
        for doubt in resolution.lookAlikes
        where doubt.isDoubt && choice.exclusion(of: doubt.collection) == nil {
            operation.warning("\(doubt.collection).\(doubt.path): \(doubt.problem)".oneLine)
        }
        if survey.problems.count > 0, survey.problems.count <= options.maximumRejects {
            for conflict in resolution.conflicts
            where survey.problems.count(of: conflict.collection) > 0
                && choice.exclusion(of: conflict.collection) == nil
            {
                operation.warning(
                    "\(conflict.collection).\(conflict.path): \(conflict.problem), for the rows that are set aside count here, too; take them out of the file first if they are to blame"
                        .oneLine)
            }
        }
        var result = LegacyTypes(
            resolution: resolution, liveTypes: live?.types ?? [:],
            problems: ProblemList(limit: survey.problems.limit, lineLimit: survey.problems.lineLimit))
        try result.tryRules(&survey, reader, operation, jobs: jobs)
        return result
    }

    /// Warns of types in the configuration that have no effect: what they were meant for stays as it is, or becomes
    /// what the rows show.
    private static func warn(
        ofUnused absent: [LegacyResolution.Conflict], _ choice: FileChoice, _ survey: FileSurvey,
        _ operation: OperationContext
    ) {
        let configuration = choice.configuration
        let file = configuration.file ?? "the configuration"
        for type in absent {
            operation.warning("\(file) has a type of \(type.collection).\(type.path): \(type.problem)")
        }
        for entry in configuration.collections where !entry.types.isEmpty {
            guard let rows = survey.unmarkedRows[ExactName(entry.name)], choice.exclusion(of: entry.name) == nil else {
                continue
            }
            operation.warning(
                "\(file) has types of '\(entry.name)': \(rows.counted("row is", "rows are")) taken for Extended JSON all the same, since others of the file are, and \(rows == 1 ? "stays" : "stay") as written"
            )
        }
        let names = survey.rows.map(\.name)
        // Collections with references have a warning about these.
        for entry in configuration.collections
        where !entry.types.isEmpty && entry.references.isEmpty && survey.rows(of: entry.name) == nil
            && configuration.exclusion(ofFileName: entry.name) == nil
        {
            operation.warning(
                "\(file) has types of '\(entry.name)', which has no rows in the file\(NearestName.question(entry.name, among: names))"
            )
        }
    }

    /// Warns of rows that nothing marks as the old application's in a file that has others, and whose ids and dates
    /// then stay strings.
    private static func warn(ofUnmarked survey: FileSurvey, _ choice: FileChoice, _ operation: OperationContext) {
        let found = survey.unmarkedLookAlikes.filter { choice.exclusion(of: $0.collection) == nil }
        for (name, paths) in Dictionary(grouping: found, by: \.collection).sorted(by: { $0.key < $1.key }) {
            let rows = survey.unmarkedRows[ExactName(name)] ?? 0
            let texts = paths.prefix(5).map { entry in
                let ids = entry.ids == 0 ? nil : entry.ids.counted("value of 24 hex digits", "values of 24 hex digits")
                let dates = entry.dates == 0 ? nil : entry.dates.counted("date")
                return "\([ids, dates].compactMap(\.self).listed("and")) in \(entry.path)"
            }
            let more = paths.count > texts.count ? " and \((paths.count - texts.count).counted("other path"))" : ""
            operation.warning(
                "\(name): \(rows.counted("row has", "rows have")) no wrapper such as {\"$oid\": …}, and line \(survey.kinds.firstWrapped) has one, so that \(rows == 1 ? "it is" : "they are") read as Extended JSON: strings stay \(texts.joined(separator: ", "))\(more). If the old application wrote \(rows == 1 ? "it" : "them"), import \(rows == 1 ? "it" : "them") in a file without the others"
                    .oneLine)
        }
    }

    private static func existing(_ ids: [ObjectID], in name: String, _ connection: Connection) throws -> Set<ObjectID> {
        try connection.withClient { client in
            let found = try client.existing(ids.map { .objectID($0) }, in: connection.namespace(name))
            return Set(found.compactMap(\.objectID))
        }
    }

    /// Converts every row once without writing it, to find the rows that a rule of the configuration cannot convert or
    /// whose documents stay too large, and the resulting `_id`s.
    private mutating func tryRules(
        _ survey: inout FileSurvey, _ reader: BackupReader, _ operation: OperationContext, jobs: Int
    ) throws {
        guard let rules else { return }
        let rekeyed = Set(rules.rules.filter(\.changesKeys).map(\.collection))
        guard !rekeyed.isEmpty || survey.hasLargeLegacyRows || rules.rules.contains(where: \.isStrict) else { return }
        try reader.seek(to: reader.firstRow)
        let hashes = SharedHashes<String>()
        let workers = (0..<jobs).map { _ in
            RuleTrial(
                rules: rules, rekeyed: rekeyed, survey: survey, limit: problems.limit, hashes: hashes)
        }
        try BatchPass.run(reader, workers: workers, cancellation: operation.cancellation)
        for worker in workers { problems.merge(worker.problems) }
        guard !rekeyed.isEmpty else { return }
        for index in survey.rows.indices where rekeyed.contains(survey.rows[index].name) {
            survey.setIDs(hashes.take(survey.rows[index].name), at: index)
        }
        try DuplicateSearch(reader: reader, operation: operation)
            .run(&survey, rules: rules, in: rekeyed)
    }
}

extension TypeRule {
    /// Whether the rule converts an `_id`, or something in one, in a way that ``RowID`` does not know.
    fileprivate var changesKeys: Bool { path.isInID && !(path == .id && type == .objectId) }
}
