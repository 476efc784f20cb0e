import BSON
import BackupFile
import MongoDriver
import Relations
import Synchronization

/// Compares every document of a file with the database: missing, different, and present only in the database.
struct FileDatabaseComparison {
    let reader: BackupReader
    let survey: FileSurvey
    let rules: TypeRules?
    let connection: Connection
    let names: FileNames
    /// The hash that the survey used for documents; nil if it hashed none, so that all of them are looked up.
    let contents: ContentHash?
    let operation: OperationContext

    private static let exampleLimit = 5
    private static let extraNote = " in the database only"

    /// - Parameters:
    ///   - chosen: names in the file.
    ///   - live: what the database holds.
    func run(_ chosen: Set<String>, _ live: [CollectionInfo]) throws -> [Report.Difference] {
        var differences: [Report.Difference] = []
        let hints = NameHints(live.map(\.name))
        let views = Set(live.filter { $0.kind == .view }.map { ExactName($0.name) })
        let live = Dictionary(live.filter { $0.kind != .view }.map { (ExactName($0.name), $0) }) { first, _ in first }
        // Measurements have no `_id` by which to find documents in an ordinary collection. A collection in the place of
        // a time series is reported by the comparison of definitions.
        let looked = survey.rows.filter {
            let isCollection = live[ExactName(names.databaseName(of: $0.name))]?.kind == .collection
            return chosen.contains($0.name) && !(isCollection && survey.measurements[ExactName($0.name)] != nil)
        }
        let compared = try compare(looked, live)
        for rows in looked {
            let name = names.databaseName(of: rows.name)
            guard let info = live[ExactName(name)] else {
                differences.append(
                    .init(
                        collection: rows.name, kind: .missing,
                        detail: (views.contains(ExactName(name))
                            ? "a view has its name" : "the collection is not there")
                            + "; the file has \(rows.count.counted("record"))"
                            + (hints.hint(name).map { "; \($0)" } ?? "")))
                continue
            }
            differences += try self.differences(of: rows, connection.namespace(name), info, compared[rows.name])
        }
        return differences
    }

    /// Reads whole collections where that is less work than looking up their documents.
    private func compare(
        _ chosen: [FileSurvey.Rows], _ live: [ExactName: CollectionInfo]
    ) throws -> [String: LiveComparison.Result] {
        guard let contents else { return [:] }
        let candidates = chosen.filter { live[ExactName(names.databaseName(of: $0.name))]?.kind == .collection }
        let namespaces = candidates.map { connection.namespace(names.databaseName(of: $0.name)) }
        let counts = try connection.answers(for: namespaces) { try $0.estimatedCount($1) }
        let worthwhile = zip(candidates, counts).filter {
            LiveComparison.isWorthwhile(records: $0.count, live: $1)
        }
        let comparison = LiveComparison(
            connection: connection, contents: contents, jobs: nil, operation: operation,
            phase: .verify, readPreference: .connectionString, extraToTell: Self.exampleLimit)
        return try comparison.run(
            worthwhile.map { ($0.0, connection.namespace(names.databaseName(of: $0.0.name))) })
    }

    private func differences(
        of rows: FileSurvey.Rows, _ namespace: Namespace, _ info: CollectionInfo, _ compared: LiveComparison.Result?
    ) throws -> [Report.Difference] {
        let measurements = try measurementFields(of: rows, info)
        let rejections = RejectionLog()
        let loader = RowLoader(
            reader: reader, connection: connection, survey: survey, rules: rules, jobs: Threads.defaultJobs,
            rejections: rejections, lock: nil, operation: operation, phase: .verify)
        let log = DifferenceLog(limit: Self.exampleLimit)
        let way = try measurements.map { WriteWay.measurements($0) } ?? .merge(DocumentKey(["_id"]))
        // Rows that were found to be equal need not be looked up.
        let known = compared.flatMap { compared in
            contents.map { KnownRows(ids: rows.ids, equal: compared.equal, contents: $0) }
        }
        let isEqual = compared?.equal.count == rows.count
        let result =
            isEqual ? nil : try loader.count(rows.name, in: namespace, way, known: known, differences: log)
        var differences: [Report.Difference] = []
        func add(_ kind: Report.Difference.Kind, _ count: Int, _ examples: [String], _ note: String = "") {
            guard count > 0 else { return }
            let more = count > examples.count && !examples.isEmpty ? ", …" : ""
            differences.append(
                .init(
                    collection: rows.name, kind: kind,
                    detail: "\(count.counted("document"))\(note)"
                        + (examples.isEmpty ? "" : ": \(examples.joined(separator: "; "))\(more)")))
        }
        if let result {
            add(.missing, result.outcome.inserted, log.missing)
            add(.different, result.outcome.updated, log.different)
            guard measurements == nil else {
                let count = try connection.withClient { try $0.countDocuments(namespace) }
                add(.extra, count - result.matched, [], Self.extraNote)
                return differences
            }
        }
        let extra = try compared?.extra ?? self.extra(rows, namespace)
        add(
            .extra, extra.count, extra.ids.map { "_id \(JSONText.value($0).excerpt(IDText.longest))" },
            Self.extraNote)
        return differences
    }

    /// The fields of a time series; nil for anything else.
    /// - Throws: ``FerryError`` if nothing tells which field has the time.
    private func measurementFields(of rows: FileSurvey.Rows, _ info: CollectionInfo) throws -> MeasurementFields? {
        if let fields = MeasurementFields(live: info.options) { return fields }
        guard info.kind == .timeseries, !info.hasDetails else { return nil }
        let entry = reader.metadata?.collections.first { $0.name == rows.name }
        guard let fields = MeasurementFields(file: entry?.options) else {
            throw UnseenOptions.error(info.name, in: connection.database)
        }
        return fields
    }

    private func extra(_ rows: FileSurvey.Rows, _ namespace: Namespace) throws -> LiveComparison.ExtraDocuments {
        var extra = LiveComparison.ExtraDocuments()
        var looked = 0
        try connection.withClient { client in
            try client.find(namespace, [:], options: FindOptions(projection: ["_id": 1])).forEach { document in
                looked += 1
                if looked % 10_000 == 0 { try operation.cancellation.check() }
                extra.note(document, unlessIn: rows.ids, limit: Self.exampleLimit)
            }
        }
        return extra
    }
}

/// Examples of differences, gathered from all threads.
final class DifferenceLog: Sendable {
    private struct Examples {
        var missing: [String] = []
        var different: [String] = []
    }

    private let limit: Int
    private let examples = Mutex(Examples())

    init(limit: Int) { self.limit = limit }

    var missing: [String] { examples.withLock { $0.missing } }
    var different: [String] { examples.withLock { $0.different } }

    func noteMissing(_ document: RawDocument) {
        // Most calls come when there are enough examples.
        guard examples.withLock({ $0.missing.count < limit }), let id = document.first.map(IDText.excerpt) else {
            return
        }
        examples.withLock { if $0.missing.count < limit { $0.missing.append("_id \(id)") } }
    }

    func noteDifferent(_ document: RawDocument, live: RawDocument) {
        guard examples.withLock({ $0.different.count < limit }), let id = document.first.map(IDText.excerpt) else {
            return
        }
        let paths = DocumentDifference.paths(document, live, limit: 5)
        let detail = paths.isEmpty ? "the order of the fields" : paths.joined(separator: ", ")
        examples.withLock { if $0.different.count < limit { $0.different.append("_id \(id) in \(detail)") } }
    }
}
