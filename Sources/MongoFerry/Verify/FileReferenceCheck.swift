import BSON
import BackupFile
import Foundation
import Relations

/// Checks within a file whether the values of references lead anywhere.
///
/// Takes hashes for values: 8 bytes a record, and one wrong answer in some billion values.
struct FileReferenceCheck {
    let reader: BackupReader
    let survey: FileSurvey
    let rules: TypeRules?
    let operation: OperationContext

    func run(_ references: [Reference]) throws -> [ReferenceOutcome] {
        let groups = ReferenceGroup.groups(of: references).filter { survey.rows(of: $0.collection) != nil }
        guard !groups.isEmpty else { return [] }
        let fields = try targetFields(groups)
        var outcomes = groups.map { group in
            var outcome = group.outcome
            outcome.isTargetMissing = !group.references.contains { survey.rows(of: $0.target) != nil }
            return outcome
        }
        let byCollection = Dictionary(grouping: groups.indices) { groups[$0].collection }
        let workers = (0..<Threads.defaultJobs).map { _ in
            ReferenceWorker(survey: survey, rules: rules, groups: groups, byCollection: byCollection, fields: fields)
        }
        try pass(workers)
        for worker in workers {
            for index in outcomes.indices {
                outcomes[index].checked += worker.found[index].checked
                outcomes[index].dangling += worker.found[index].dangling
                outcomes[index].examples = Array((outcomes[index].examples + worker.found[index].examples).prefix(5))
            }
        }
        return outcomes
    }

    private func pass(_ workers: [ReferenceWorker]) throws {
        try reader.seek(toRowAt: reader.firstRow.offset, line: reader.firstRow.line)
        let operation = operation
        try BatchPass.run(
            reader, cancellation: operation.cancellation,
            workers: workers.map { worker in
                { @Sendable batch in
                    operation.progress(.verify)
                    worker.look(at: batch)
                }
            })
    }

    /// Hashes of the values that references to other fields than `_id` can lead to.
    private func targetFields(_ groups: [ReferenceGroup]) throws -> [TargetField: Set<UInt64>] {
        var wanted: [String: [FieldPath]] = [:]
        for reference in groups.flatMap(\.references) where reference.targetPath != .id {
            wanted[reference.target, default: []].append(reference.targetPath)
        }
        guard !wanted.isEmpty else { return [:] }
        let worker = FieldWorker(survey: survey, rules: rules, wanted: wanted)
        try reader.seek(toRowAt: reader.firstRow.offset, line: reader.firstRow.line)
        try BatchPass.run(
            reader, cancellation: operation.cancellation, workers: [{ @Sendable batch in worker.look(at: batch) }])
        return worker.values
    }
}

struct TargetField: Hashable, Sendable {
    let collection: String
    let path: FieldPath
}

/// Reads rows as documents, legacy ones converted. Belongs to one thread.
private struct ConvertingDecoder {
    private var decoder: RowDecoder
    private let converted = ByteBuffer(capacity: 4096)
    private let survey: FileSurvey
    private let rules: TypeRules?

    init(survey: FileSurvey, rules: TypeRules?) {
        decoder = RowDecoder(maximumDocument: .max, measurements: survey.measurements)
        self.survey = survey
        self.rules = rules
    }

    /// Calls `body` with the document of a row that can be read; others were noted by the survey.
    mutating func withDocument(
        _ row: borrowing RecordBatch.Row, in wanted: (String) -> Bool, _ body: (String, RawDocument) throws -> Void
    ) {
        guard let (name, fields) = try? decoder.fields(of: row), wanted(name) else { return }
        try? decoder.withDocument(fields, line: row.line, collection: name) { document, traits in
            guard let rules, let collection = rules.rules(for: name),
                survey.legacyRows.includes(document, hasWrapper: traits.contains(.wrapper))
            else { return try body(name, document) }
            converted.reset()
            var counts = rules.makeCounts()
            try collection.apply(to: document, appendingTo: converted, counts: &counts)
            try body(name, try RawDocument(converted.bytes))
        }
    }
}

/// One thread's part of the check.
// @unchecked: one thread at a time; read after the pass has ended.
private final class ReferenceWorker: @unchecked Sendable {
    private var decoder: ConvertingDecoder
    private let survey: FileSurvey
    private let groups: [ReferenceGroup]
    private let byCollection: [String: [Int]]
    private let fields: [TargetField: Set<UInt64>]
    private(set) var found: [ReferenceOutcome]

    init(
        survey: FileSurvey, rules: TypeRules?, groups: [ReferenceGroup], byCollection: [String: [Int]],
        fields: [TargetField: Set<UInt64>]
    ) {
        decoder = ConvertingDecoder(survey: survey, rules: rules)
        self.survey = survey
        self.groups = groups
        self.byCollection = byCollection
        self.fields = fields
        found = groups.map(\.outcome)
    }

    func look(at batch: RecordBatch) {
        batch.forEachRow { row in
            decoder.withDocument(row, in: { byCollection[$0] != nil }) { name, document in
                for index in byCollection[name] ?? [] { try check(index, document) }
            }
        }
    }

    private func check(_ index: Int, _ document: RawDocument) throws {
        let group = groups[index]
        for reference in group.leading {
            try reference.forEachValue(in: document) { value in
                found[index].checked += 1
                let hash = IDHash.hash(value)
                let targets = group.isConditional ? [reference] : group.references
                if !targets.contains(where: { exists(hash, $0) }) { found[index].note(value, in: document, limit: 5) }
            }
        }
    }

    private func exists(_ hash: UInt64, _ reference: Reference) -> Bool {
        if reference.targetPath != .id {
            return fields[TargetField(collection: reference.target, path: reference.targetPath)]?.contains(hash)
                ?? false
        }
        return survey.rows(of: reference.target)?.ids.contains(hash) ?? false
    }
}

/// Collects the values of target fields.
// @unchecked: one thread at a time; read after the pass has ended.
private final class FieldWorker: @unchecked Sendable {
    private var decoder: ConvertingDecoder
    private let wanted: [String: [FieldPath]]
    private(set) var values: [TargetField: Set<UInt64>] = [:]

    init(survey: FileSurvey, rules: TypeRules?, wanted: [String: [FieldPath]]) {
        decoder = ConvertingDecoder(survey: survey, rules: rules)
        self.wanted = wanted
    }

    func look(at batch: RecordBatch) {
        batch.forEachRow { row in
            decoder.withDocument(row, in: { wanted[$0] != nil }) { name, document in
                for path in wanted[name] ?? [] {
                    try path.forEachValue(in: document) {
                        values[TargetField(collection: name, path: path), default: []].insert(IDHash.hash($0))
                    }
                }
            }
        }
    }
}
