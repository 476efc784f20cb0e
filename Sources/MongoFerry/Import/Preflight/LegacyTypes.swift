import BSON
import BackupFile
import MongoDriver
import Relations

/// What the strings of a legacy file become, and which references a file without metadata shows itself.
struct LegacyTypes {
    var resolution: LegacyResolution?
    /// What the documents in the database hold, by the collections' names in the file.
    var liveTypes: [String: [FieldPath: ObservedType]] = [:]
    /// Rows that the configuration's types cannot be applied to.
    var problems: ProblemList
    var rules: TypeRules? { resolution?.rules }
    /// What the rows that carry types show, the old application's aside.
    var typedReferences: [Reference] = []
    /// What the rows of either kind show.
    var references: [Reference] {
        struct Place: Hashable {
            let collection: ExactName
            let path: FieldPath

            init(_ reference: Reference) {
                collection = ExactName(reference.collection)
                path = reference.path
            }
        }
        var all = resolution?.references ?? []
        guard !all.isEmpty else { return typedReferences }
        var targets: [Place: Set<ExactName>] = [:]
        for reference in all { targets[Place(reference), default: []].insert(ExactName(reference.target)) }
        for var reference in typedReferences {
            let place = Place(reference)
            if targets[place] != nil {
                // Where old rows go by no condition, a value leads to any of the targets.
                guard targets[place, default: []].insert(ExactName(reference.target)).inserted else { continue }
                reference.condition = nil
            }
            all.append(reference)
        }
        return all.sorted()
    }
    /// - Parameter isLeftOut: whether a collection is not imported: what becomes of its rows is nobody's concern.
    func warnings(except isLeftOut: (String) -> Bool) -> [String] {
        (resolution?.crowded ?? []).filter { !isLeftOut($0) }.map {
            "\(BackupMetadata.shown($0)): the rows have too many different names to infer types from: what the config's types "
                + "do not name stays as it is"
        }
    }

    /// Decides from configuration, live data and the rows themselves; then tries the rules on every row.
    /// - Parameters:
    ///   - survey: gets the hashes of those `_id`s that the rules make something else of than an ObjectId.
    ///   - connection: nil where there is no database to look at.
    static func resolve(
        _ survey: inout FileSurvey, _ reader: BackupReader, _ connection: Connection?, _ options: ImportOptions,
        _ operation: OperationContext, jobs: Int
    ) throws -> LegacyTypes {
        guard survey.legacyRows != .none else { return LegacyTypes(problems: ProblemList(limit: 0)) }
        let configuration = options.configuration
        func databaseName(_ name: String) -> String {
            options.renames[name] ?? configuration.databaseName(of: name)
        }
        var liveTypes: [String: [FieldPath: ObservedType]] = [:]
        var databaseCollections: [String] = []
        if let connection {
            let found = try connection.withClient { try $0.listCollections(in: connection.database) }
            let live = found.filter {
                [.collection, .timeseries].contains($0.kind) && !$0.name.hasScalarPrefix("system.")
                    && !OwnNames.contains($0.name)
            }
            databaseCollections = live.filter { $0.kind == .collection }.map(\.name)
            let infos = Dictionary(live.map { (ExactName($0.name), $0) }) { first, _ in first }
            let kept = options.infers ? try keptTypes(connection, found) : [:]
            let rows = survey.rows.map(\.name)
            // Where references lead, too: what leads there is of the same type.
            let targets = rows.flatMap { configuration.references(from: $0) }.map(\.target)
            for shown in Set((rows + targets).map(ExactName.init)).sorted() where options.infers {
                try operation.cancellation.check()
                let name = ExactName(databaseName(shown.text))
                if let types = kept[name] {
                    liveTypes[shown.text] = types
                } else if let info = infos[name] {
                    liveTypes[shown.text] = try types(connection, info)
                }
            }
        }
        let namesInFile = Dictionary(survey.rows.map { (ExactName(databaseName($0.name)), $0.name) }) { first, _ in
            first
        }
        let taken = Set(survey.rows.map { ExactName($0.name) })
        func shownName(_ name: String) -> String? {
            if let known = namesInFile[ExactName(name)] { return known }
            let shown = configuration.fileName(of: name)
            return taken.contains(ExactName(shown)) ? nil : shown
        }
        let hashes = Dictionary(survey.rows.map { (ExactName($0.name), $0.ids) }) { first, _ in first }
        func idsInFile(_ name: String, _ ids: [ObjectID]) -> [Int] {
            var places: [Int] = []
            hashes[ExactName(name)]?.forEachPlace(of: ids.map { IDHash.hash($0) }) { number, _ in places.append(number)
            }
            return places
        }
        let resolution = try survey.inference.resolve(
            configuration: configuration, liveTypes: liveTypes, infer: options.infers,
            databaseCollections: databaseCollections, shownName: shownName, idsInFile: idsInFile
        ) { name, ids in
            guard let connection else { return [] }
            try operation.cancellation.check()
            return try existing(ids, in: name, connection)
        }
        warn(ofUnused: resolution.absent, options.choice(of: reader.metadata), survey, operation)
        var result = LegacyTypes(
            resolution: resolution, liveTypes: liveTypes, problems: ProblemList(limit: survey.problems.limit))
        try result.tryRules(&survey, reader, operation, jobs: jobs)
        return result
    }

    /// Says which of the configuration's types are for nothing: what was meant stays as it is, or becomes what the rows
    /// show.
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
        // Those with references are told as such.
        for entry in configuration.collections
        where !entry.types.isEmpty && entry.references.isEmpty && survey.rows(of: entry.name) == nil
            && configuration.exclusion(ofFileName: entry.name) == nil
        {
            operation.warning(
                "\(file) has types of '\(entry.name)', which has no rows in the file\(NearestName.question(entry.name, among: names))"
            )
        }
    }

    /// What collections held that an interrupted import has left in part, by their names in the database: what is there now
    /// says less.
    /// - Parameter found: everything in the database.
    private static func keptTypes(
        _ connection: Connection, _ found: [CollectionInfo]
    ) throws -> [ExactName: [FieldPath: ObservedType]] {
        guard found.contains(where: { $0.name == OwnNames.definitions }) else { return [:] }
        let identities = CollectionIdentities(found)
        let entries = try connection.withClient {
            try KeptDefinitions(client: $0, database: connection.database).read()
        }
        var types: [ExactName: [FieldPath: ObservedType]] = [:]
        for (name, entry) in entries where !entry.types.isEmpty {
            guard entry.isInPart(isThere: identities[name] != nil, uuid: identities.uuid(of: name)) else { continue }
            types[ExactName(name)] = entry.types
        }
        return types
    }

    private static func types(_ connection: Connection, _ info: CollectionInfo) throws -> [FieldPath: ObservedType] {
        var observer = TypeObserver()
        let kind: BackupMetadata.Collection.Kind = info.kind == .timeseries ? .timeseries : .collection
        let entry = BackupMetadata.Collection(name: info.name, kind: kind)
        let sizes = try connection.sizes(of: [entry])
        let sample = DocumentSample(
            namespace: connection.namespace(info.name), kind: kind,
            timeField: info.options["timeseries"]?.document?["timeField"]?.string,
            size: sizes[info.name] ?? CollectionSize(count: 0), effort: .thorough,
            canSortOnDisk: connection.server.isAtLeast(4, 4))
        _ = try connection.withClient { client in try sample.forEach(client) { try observer.add($0) } }
        return observer.types
    }

    private static func existing(_ ids: [ObjectID], in name: String, _ connection: Connection) throws -> Set<ObjectID> {
        try connection.withClient { client in
            let found = try client.existing(ids.map { .objectID($0) }, in: connection.namespace(name))
            return Set(found.compactMap(\.objectID))
        }
    }

    /// Converts every row once without writing it, to find those that a rule of the configuration cannot convert or whose
    /// documents stay too large, and what becomes of `_id`s.
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
        try BatchPass.run(
            reader, cancellation: operation.cancellation,
            workers: workers.map { worker in { @Sendable batch in worker.look(at: batch) } })
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
    /// Whether it makes of an `_id`, or of something in one, what ``RowID`` does not foresee.
    fileprivate var changesKeys: Bool { path.isInID && !(path == .id && type == .objectId) }
}

/// One thread's part of the trial.
// @unchecked: one thread at a time; read after the pass has ended.
private final class RuleTrial: @unchecked Sendable {
    private let rules: TypeRules
    private let rekeyed: Set<String>
    private let legacyRows: FileSurvey.LegacyRows
    private let maximumDocument: Int
    /// Rows that are none of the import's any more, since they repeat an `_id`: they were noted already.
    private let repeatedLines: Set<Int>
    /// Not only at those rows that a rule may convert.
    private let looksAtAll: Bool
    private var decoder: RowDecoder
    private let buffer = ByteBuffer(capacity: 4096)
    private var counts: ConversionCounts
    private(set) var problems: ProblemList
    /// Hashes of a batch's `_id`s, of the collections in `rekeyed`.
    private var ids: [String: RecordHashes] = [:]
    private let hashes: SharedHashes<String>

    init(
        rules: TypeRules, rekeyed: Set<String>, survey: FileSurvey, limit: Int, hashes: SharedHashes<String>
    ) {
        self.hashes = hashes
        self.rules = rules
        self.rekeyed = rekeyed
        legacyRows = survey.legacyRows
        maximumDocument = survey.maximumDocument
        repeatedLines = survey.repeatedLines
        looksAtAll = survey.hasLargeLegacyRows
        // What is larger than any row that is read was noted by the survey.
        decoder = RowDecoder(survey)
        counts = rules.makeCounts()
        problems = ProblemList(limit: limit)
    }

    func look(at batch: RecordBatch) {
        defer { hashes.move(&ids) }
        batch.forEachRow { row in
            if !repeatedLines.isEmpty, repeatedLines.contains(row.line) { return }
            // Rows that cannot be read were noted by the survey.
            guard let (name, fields) = try? decoder.fields(of: row), looksAtAll || rules.rules(for: name) != nil else {
                return
            }
            let line = row.line
            let problem = try? decoder.withDocument(fields, line: line, collection: name) {
                document, traits -> RowProblem? in
                do {
                    let isLegacy = legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
                    let result = isLegacy ? try converted(document, in: name) : document
                    try RowDecoder.checkSize(result, maximumDocument, line: line, collection: name)
                    noteID(of: result, in: name)
                    return nil
                } catch let problem as RowProblem {
                    return problem
                } catch {
                    return RowProblem(
                        line: line, collection: name, id: document.first.map(IDText.text), reason: "\(error)")
                }
            }
            if let problem = problem ?? nil { problems.add(problem) }
        }
    }

    /// - Throws: ``RowRejection`` for a value that a rule of the configuration cannot convert.
    private func converted(_ document: RawDocument, in name: String) throws -> RawDocument {
        guard let collection = rules.rules(for: name) else { return document }
        buffer.reset()
        try collection.apply(to: document, appendingTo: buffer, counts: &counts)
        return try RawDocument(buffer.bytes)
    }

    private func noteID(of document: RawDocument, in name: String) {
        guard rekeyed.contains(name), let id = document.first else { return }
        ids[name, default: RecordHashes()].append(IDHash.hash(id), document: nil)
    }
}
