import BSON
import BackupFile
import Relations

/// Finds the references of a file without metadata in its rows: from the values of samples, as an export finds a
/// database's. No server is queried, since the survey knows the `_id`s of the file.
///
/// In the old application's rows, ``LegacyInference`` has already found those that lead to ObjectIds and UUIDs, since
/// these decide what strings become. What remains are keys of other types, such as names and numbers.
struct FileDiscovery {
    let reader: BackupReader
    let survey: FileSurvey
    /// The rules for the old application's rows.
    let rules: TypeRules?
    /// The configuration, whose references take precedence over those found.
    let configuration: Configuration
    let operation: OperationContext

    /// Reads the file once more, unless it has metadata or the configuration defines all references.
    /// - Throws: ``BackupError``, ``FileError``; `CancellationError`.
    func run() throws -> [Reference] {
        guard reader.metadata == nil, !survey.rows.isEmpty else { return [] }
        guard survey.rows.contains(where: { configuration.collection($0.name)?.saysReferences != true }) else {
            return []
        }
        let look = FileDiscoveryWorker(survey, rules)
        try operation.timed("find references") {
            try reader.seek(to: reader.firstRow)
            // One thread, so that every run has the same result: which paths are included depends on which come first.
            try BatchPass.run(reader, workers: [look], cancellation: operation.cancellation)
        }
        func references(_ discovery: ReferenceDiscovery) throws -> [Reference] {
            try discovery.resolve { questions in
                try operation.cancellation.check()
                return questions.map { question -> Set<Value> in
                    guard let known = survey.rows(of: question.collection)?.ids else { return [] }
                    return Set(question.ids.filter { known.contains(IDHash.hash(of: $0)) })
                }
            }.references
        }
        let decided = rules?.rules.filter { [.objectId, .uuid].contains($0.type) } ?? []
        let starts = Set(decided.map { ReferenceStart($0.collection, $0.path) })
        let legacy = try look.legacy.map(references) ?? []
        return legacy.filter { !starts.contains(ReferenceStart($0)) }.merged(with: try look.typed.map(references) ?? [])
    }
}

/// Selects the rows of a collection to look at: all of a few; of many, the first and the last, which may have fields
/// that the others lack, and some in between.
private struct RowSample {
    /// The most rows of one collection, and of all collections together.
    private static let most = 3000
    private static let mostOfAll = 600_000
    private static let fewest = 30
    /// The most bytes of one collection's documents.
    private static let mostBytes = 16 << 20
    /// A row of more bytes is left out if most are smaller: its document would take as much as all others. A row takes
    /// several times the bytes of its document.
    private static let huge = 1 << 20
    private static let growth = 4

    private let count: Int
    /// The number of rows to take from the beginning, from the end, and from in between.
    private let share: Int
    /// In between, one row in this many is looked at.
    private let step: Int
    private let largest: Int
    private var next = 0

    /// - Parameters:
    ///   - unreadable: the number of rows that are not among `rows`.
    ///   - collections: the number of collections in the file.
    init(_ rows: FileSurvey.Rows, unreadable: Int, collections: Int) {
        count = rows.count + unreadable
        let average = max(1, rows.bytes / max(1, rows.count))
        let most = min(Self.most, max(Self.fewest, Self.mostOfAll / max(1, collections)), Self.mostBytes / average)
        share = max(1, most / 3)
        step = max(1, (count - share - 1) / share)
        largest = max(Self.huge, Self.growth * average)
    }

    /// Whether the next row is looked at.
    mutating func takesNext(bytes: Int) -> Bool {
        let number = next
        next += 1
        guard bytes <= largest else { return false }
        guard number >= share, number < count - share else { return true }
        // The place varies between steps: a fixed one could miss a pattern in the rows.
        let (part, place) = (number - share).quotientAndRemainder(dividingBy: step)
        return place == Int((UInt64(part) &* 0x9E37_79B9_7F4A_7C15) >> 33) % step
    }
}

private final class FileDiscoveryWorker: BatchWorker {
    private var decoder: ConvertingDecoder
    private var samples: [ExactName: RowSample] = [:]
    /// What the rows that carry types show, and what the old application's rows show; nil if there are none. Each has
    /// the `_id`s of all rows, as targets.
    private(set) var typed: ReferenceDiscovery?
    private(set) var legacy: ReferenceDiscovery?

    init(_ survey: FileSurvey, _ rules: TypeRules?) {
        decoder = ConvertingDecoder(survey: survey, rules: rules)
        // As thorough as before an export.
        var discovery = ReferenceDiscovery(valuesPerPath: 200, findsTypes: false)
        for rows in survey.rows {
            let name = ExactName(rows.name)
            samples[name] = RowSample(
                rows, unreadable: survey.unreadable[name, default: 0], collections: survey.rows.count)
            discovery.declare(rows.name, count: rows.count)
        }
        if survey.legacyRows != .all { typed = discovery }
        if survey.legacyRows != .none { legacy = discovery }
    }

    func look(at batch: RecordBatch) throws {
        try batch.forEachRow { row in
            let bytes = row.bytes.count
            try decoder.withDocument(row, in: { samples[ExactName($0)]?.takesNext(bytes: bytes) ?? false }) {
                name, document, isLegacy in
                if isLegacy {
                    try legacy?.add(document, in: name)
                    try Self.addKey(of: document, in: name, to: &typed)
                } else {
                    try typed?.add(document, in: name)
                    try Self.addKey(of: document, in: name, to: &legacy)
                }
            }
        }
    }

    private static func addKey(
        of document: RawDocument, in name: String, to discovery: inout ReferenceDiscovery?
    ) throws {
        guard discovery != nil, let id = document.first else { return }
        let key = Document { $0.append(copying: id) }
        try key.withRaw { try discovery?.add($0, in: name) }
    }
}
