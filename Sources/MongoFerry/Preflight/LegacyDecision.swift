import BSON
import BackupFile
import MongoDriver
import Relations

/// Decides what the strings of a legacy file become: from the configuration, the live data and the rows themselves.
struct LegacyDecision {
    let reader: BackupReader
    /// Nil if there is no database to look at.
    let connection: Connection?
    let options: ImportOptions
    let jobs: Int
    let operation: OperationContext

    /// Decides, warns of what is doubtful, and tries the rules on every row.
    /// - Parameter survey: receives the hashes of `_id`s that the rules convert to something other than an ObjectId.
    /// - Throws: ``BackupError``, ``FileError``, ``MongoError``; `CancellationError`.
    func types(of survey: inout FileSurvey) throws -> LegacyTypes {
        guard survey.legacyRows != .none else { return LegacyTypes(problems: ProblemList(limit: 0)) }
        let names = LegacyNames(options, rows: survey.rows)
        let live = try connection.map { try liveTypes(survey, names, $0) }
        for name in live?.crowded ?? [] {
            operation.warning(
                "\(BackupMetadata.shown(name)): the live documents have too many different names to look at all of them: "
                    + "what the rows have at the others does not become what these have")
        }
        let resolution = try resolution(survey, live, names)
        let warnings = LegacyWarnings(
            survey: survey, resolution: resolution, choice: options.choice(of: reader.metadata),
            maximumRejects: options.maximumRejects)
        for text in warnings.texts { operation.warning(text) }
        let problems = try tried(resolution.rules, &survey)
        return LegacyTypes(resolution: resolution, liveTypes: live?.types ?? [:], problems: problems)
    }

    private func liveTypes(_ survey: FileSurvey, _ names: LegacyNames, _ connection: Connection) throws -> LiveTypes {
        // The targets of references as well: what leads there has the same type.
        let targets = survey.rows.flatMap { options.configuration.references(from: $0.name) }.map(\.target)
        return try LiveTypes(
            connection, of: options.infers ? survey.rows.map(\.name) + targets : [], keys: survey.inference.textIDs,
            operation.cancellation, observer: survey.inference.liveObserver(of:), databaseName: names.databaseName(of:))
    }

    private func resolution(
        _ survey: FileSurvey, _ live: LiveTypes?, _ names: LegacyNames
    ) throws -> LegacyResolution {
        let hashes = Dictionary(survey.rows.map { (ExactName($0.name), $0.ids) }) { first, _ in first }
        func idsInFile(_ name: String, _ ids: [ObjectID]) -> [Int] {
            var places: [Int] = []
            hashes[ExactName(name)]?.forEachPlace(of: ids.map { IDHash.hash($0) }) { number, _ in
                places.append(number)
            }
            return places
        }
        return try survey.inference.resolve(
            configuration: options.configuration, liveTypes: live?.types ?? [:],
            liveDetails: live?.details ?? [:], liveTextIDs: live?.textIDs ?? [],
            infer: options.infers, databaseCollections: live?.collections ?? [],
            shownName: names.shownName(of:), idsInFile: idsInFile
        ) { name, ids in
            guard let connection else { return [] }
            try operation.cancellation.check()
            return try Self.existing(ids, in: name, connection)
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
    private func tried(_ rules: TypeRules, _ survey: inout FileSurvey) throws -> ProblemList {
        var problems = ProblemList(limit: survey.problems.limit, lineLimit: survey.problems.lineLimit)
        let rekeyed = Set(rules.rules.filter(\.changesKeys).map(\.collection))
        guard !rekeyed.isEmpty || survey.hasLargeLegacyRows || rules.rules.contains(where: \.isStrict) else {
            return problems
        }
        try reader.seek(to: reader.firstRow)
        let hashes = SharedHashes<String>()
        let workers = (0..<jobs).map { _ in
            RuleTrial(rules: rules, rekeyed: rekeyed, survey: survey, limit: problems.limit, hashes: hashes)
        }
        try BatchPass.run(reader, workers: workers, cancellation: operation.cancellation)
        for worker in workers { problems.merge(worker.problems) }
        guard !rekeyed.isEmpty else { return problems }
        for index in survey.rows.indices where rekeyed.contains(survey.rows[index].name) {
            survey.setIDs(hashes.take(survey.rows[index].name), at: index)
        }
        try DuplicateSearch(reader: reader, operation: operation).run(&survey, rules: rules, in: rekeyed)
        return problems
    }
}

extension TypeRule {
    /// Whether the rule converts an `_id`, or something in one, in a way that ``RowID`` does not know.
    fileprivate var changesKeys: Bool { path.isInID && !(path == .id && type == .objectId) }
}
