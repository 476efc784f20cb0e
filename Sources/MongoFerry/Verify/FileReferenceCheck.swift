import BSON
import BackupFile
import Foundation
import MongoDriver
import Relations

/// Checks whether the references of a file's documents have targets: within the file, and in the database for
/// collections that the file does not have in full.
///
/// Works with hashes of values, 8 bytes per record: a dangling value passes for a sound one if its hash is that of a
/// target, which with a million targets happens once in about 10^13 dangling values.
struct FileReferenceCheck {
    let reader: BackupReader
    let survey: FileSurvey
    let rules: TypeRules?
    /// The database with the targets that are not in the file; nil if only the file is checked.
    let connection: Connection?
    /// The database's name of a collection, by its name in the file.
    let databaseName: @Sendable (String) -> String
    /// Whether the file's documents of a collection do not count as targets, since the database's are meant.
    var isLeftOut: (String) -> Bool = { _ in false }
    let operation: OperationContext

    func run(_ references: [Reference]) throws -> [ReferenceOutcome] {
        let groups = ReferenceGroup.groups(of: references).filter { survey.rows(of: $0.collection) != nil }
        guard !groups.isEmpty else { return [] }
        let fields = try targetFields(groups)
        let checks = try self.checks(of: groups, fields)
        let byCollection = Dictionary(grouping: groups.indices) { ExactName(groups[$0].collection) }.mapValues {
            (checks: $0, walk: GroupWalk($0.map { groups[$0] }))
        }
        let workers = (0..<Threads.defaultJobs).map { _ in
            ReferenceWorker(
                decoder: ConvertingDecoder(survey: survey, rules: rules), checks: checks, byCollection: byCollection,
                connection: connection, databaseName: databaseName)
        }
        try reader.seek(to: reader.firstRow)
        let operation = operation
        let (done, total) = (Tally(), survey.count)
        try BatchPass.run(reader, workers: workers, cancellation: operation.cancellation) { [operation] batch in
            operation.progress(.verify, records: done.add(batch.count), total: total)
        }
        var outcomes = checks.map(\.outcome)
        for worker in workers {
            for index in outcomes.indices { outcomes[index].merge(worker.checks[index].outcome) }
        }
        for index in outcomes.indices { outcomes[index].doubtUnseen() }
        return outcomes
    }

    private func checks(of groups: [ReferenceGroup], _ fields: [TargetField: RecordHashes]) throws -> [FileGroupCheck] {
        let listed = try connection.map { connection in
            try connection.withClient { try $0.listCollections(in: connection.database) }
        }
        let live = listed.map { Set($0.map { ExactName($0.name) }) }
        let isPartlySeen = listed.map(UnseenOptions.isPartial) ?? false
        let targetIDs = TargetValues(operation.cancellation)
        let entries = Dictionary((reader.metadata?.collections ?? []).map { (ExactName($0.name), $0) }) { first, _ in
            first
        }
        return groups.map { group in
            var check = FileGroupCheck(group)
            for reference in group.references {
                let counts = !isLeftOut(reference.target)
                if counts, isSearchedFor(reference) {
                    check.values.append(fields[TargetField(reference)] ?? RecordHashes())
                } else if counts, let rows = survey.rows(of: reference.target) {
                    check.values.append(rows.ids)
                }
                if counts, isWhole(reference.target, entries) {
                    check.outcome.isTargetMissing = false
                } else if let live {
                    if counts, survey.rows(of: reference.target) != nil { check.outcome.isTargetMissing = false }
                    guard live.contains(ExactName(databaseName(reference.target))) else {
                        guard isPartlySeen else { continue }
                        check.outcome.noteUnseen(reference.target)
                        continue
                    }
                    check.open = OpenValues(
                        (check.open?.targets ?? []) + [reference], sharedBy: groups.count, targetIDs)
                    check.outcome.isTargetMissing = false
                } else if wasLeftOut(reference.target, entries) {
                    // The documents existed or may have existed: in a view, whose documents only a database has, in a
                    // collection that is only partly in the file, or in one that was excluded.
                    check.isIncomplete = true
                    check.outcome.isTargetMissing = false
                }
            }
            return check
        }
    }

    /// Whether the file has all documents of a collection. A file without metadata does not say so: it is taken as a
    /// whole only if there is no database to ask.
    private func isWhole(_ name: String, _ entries: [ExactName: BackupMetadata.Collection]) -> Bool {
        guard let metadata = reader.metadata else { return connection == nil && survey.rows(of: name) != nil }
        guard let entry = entries[ExactName(name)], entry.kind != .view else { return false }
        return metadata.query(of: entry) == nil
    }

    /// Whether the file does not tell which documents a collection has, although the database may have had it.
    private func wasLeftOut(_ name: String, _ entries: [ExactName: BackupMetadata.Collection]) -> Bool {
        guard let metadata = reader.metadata else { return true }
        return entries[ExactName(name)] != nil
            || metadata.excluded.contains {
                $0.name.hasSameBytes(as: name) || $0.name.hasSameBytes(as: databaseName(name))
            }
    }

    /// Whether the values of a reference's target have to be collected: the survey has the `_id`s of everything but
    /// measurements.
    private func isSearchedFor(_ reference: Reference) -> Bool {
        reference.targetPath != .id || survey.measurements[ExactName(reference.target)] != nil
    }

    /// The sorted hashes of target values that the survey does not have.
    private func targetFields(_ groups: [ReferenceGroup]) throws -> [TargetField: RecordHashes] {
        var wanted: [ExactName: [FieldPath]] = [:]
        for reference in groups.flatMap(\.references) where isSearchedFor(reference) && !isLeftOut(reference.target) {
            // Several references may have the same target field.
            let target = ExactName(reference.target)
            if wanted[target]?.contains(reference.targetPath) != true {
                wanted[target, default: []].append(reference.targetPath)
            }
        }
        guard !wanted.isEmpty else { return [:] }
        let hashes = SharedHashes<TargetField>()
        let workers = (0..<Threads.defaultJobs).map { _ in
            FieldWorker(survey: survey, rules: rules, wanted: wanted, hashes: hashes)
        }
        try reader.seek(to: reader.firstRow)
        try BatchPass.run(reader, workers: workers, cancellation: operation.cancellation)
        var result: [TargetField: RecordHashes] = [:]
        for (collection, paths) in wanted {
            for path in paths {
                let field = TargetField(collection: collection, path: path)
                if result[field] == nil { result[field] = hashes.take(field) }
            }
        }
        return result
    }
}

/// A field of a collection that is the target of references.
private struct TargetField: Hashable {
    let collection: ExactName
    let path: FieldPath

    init(collection: ExactName, path: FieldPath) {
        self.collection = collection
        self.path = path
    }

    init(_ reference: Reference) { self.init(collection: ExactName(reference.target), path: reference.targetPath) }
}

/// The check of one group of references while the rows are read.
private struct FileGroupCheck {
    let group: ReferenceGroup
    /// For each target in the file, the sorted hashes of its values.
    var values: [RecordHashes] = []
    /// Queries the database for targets that the file does not have in full; nil if there are none.
    var open: OpenValues?
    /// Whether a value that is not in the file may exist nevertheless.
    var isIncomplete = false
    var outcome: ReferenceOutcome

    init(_ group: ReferenceGroup) {
        self.group = group
        outcome = group.outcome
        outcome.isTargetMissing = true
    }

    mutating func look(at value: RawElement, in document: RawDocument) {
        let hash = IDHash.hash(value)
        let isThere = values.contains { $0.contains(hash) }
        if isIncomplete, !isThere {
            outcome.unchecked += 1
            return
        }
        outcome.checked += 1
        if isThere { return }
        if open == nil { outcome.note(value, in: document) }
        open?.add(value, hash, in: document, &outcome)
    }

    mutating func settle(_ client: Client, _ namespace: (String) -> Namespace) throws {
        try open?.settle(&outcome, client, namespace)
    }
}

/// One thread's part of the check.
private final class ReferenceWorker: BatchWorker {
    private var decoder: ConvertingDecoder
    private let byCollection: [ExactName: (checks: [Int], walk: GroupWalk)]
    private let connection: Connection?
    private let databaseName: @Sendable (String) -> String
    private var client: Client?
    private(set) var checks: [FileGroupCheck]

    init(
        decoder: ConvertingDecoder, checks: [FileGroupCheck],
        byCollection: [ExactName: (checks: [Int], walk: GroupWalk)], connection: Connection?,
        databaseName: @escaping @Sendable (String) -> String
    ) {
        self.decoder = decoder
        self.checks = checks
        self.byCollection = byCollection
        self.connection = connection
        self.databaseName = databaseName
    }

    func look(at batch: RecordBatch) throws {
        try batch.forEachRow { row in
            try decoder.withDocument(row, in: { byCollection[ExactName($0)] != nil }) { name, document, _ in
                guard let (places, walk) = byCollection[ExactName(name)] else { return }
                try walk.forEachValue(
                    in: document, count: { checks[places[$0]].outcome.valuesAtPath += 1 },
                    { place, value in
                        checks[places[place]].look(at: value, in: document)
                        // Within the document: an array may have a million values.
                        if checks[places[place]].open?.isFull == true { try settle(places[place]) }
                    })
            }
        }
    }

    func finish() throws {
        for index in checks.indices { try settle(index) }
        client = nil
    }

    private func settle(_ index: Int) throws {
        guard let connection, checks[index].open != nil else { return }
        let client = try self.client ?? connection.pool.makeClient()
        self.client = client
        try checks[index].settle(client) { connection.namespace(databaseName($0)) }
    }
}

/// Collects the values of target fields.
private final class FieldWorker: BatchWorker {
    private var decoder: ConvertingDecoder
    private let wanted: [ExactName: [FieldPath]]
    private let hashes: SharedHashes<TargetField>
    /// The values of one batch.
    private var values: [TargetField: RecordHashes] = [:]

    init(
        survey: FileSurvey, rules: TypeRules?, wanted: [ExactName: [FieldPath]], hashes: SharedHashes<TargetField>
    ) {
        self.hashes = hashes
        decoder = ConvertingDecoder(survey: survey, rules: rules)
        self.wanted = wanted
    }

    func look(at batch: RecordBatch) throws {
        defer { hashes.move(&values) }
        try batch.forEachRow { row in
            try decoder.withDocument(row, in: { wanted[ExactName($0)] != nil }) { name, document, _ in
                let name = ExactName(name)
                for path in wanted[name] ?? [] {
                    try path.forEachValue(in: document) {
                        values[TargetField(collection: name, path: path), default: RecordHashes()]
                            .append(IDHash.hash($0), document: nil)
                    }
                }
            }
        }
    }
}
