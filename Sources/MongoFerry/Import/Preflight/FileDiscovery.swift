import BSON
import BackupFile
import Relations

/// Finds the references of a file without metadata in those of its rows that carry types: from samples, by their values,
/// as an export finds a database's. Nobody else is asked, since the survey knows which `_id`s the file has.
///
/// What the old application's rows show, ``LegacyInference`` finds. It says what becomes of their texts, too, and hears
/// nothing of what is found here.
struct FileDiscovery {
    let reader: BackupReader
    let survey: FileSurvey
    /// What becomes of the old application's rows, whose `_id`s others may refer to.
    let rules: TypeRules?
    /// Whose references count before those that are found.
    let configuration: Configuration
    let operation: OperationContext

    /// Reads the file once more, where there are such rows and the configuration does not say all references.
    /// - Throws: ``BackupError``, ``FileError``; `CancellationError`.
    func run() throws -> [Reference] {
        guard reader.metadata == nil, survey.legacyRows != .all, !survey.rows.isEmpty else { return [] }
        guard survey.rows.contains(where: { configuration.collection($0.name)?.saysReferences != true }) else {
            return []
        }
        operation.info("looking for references in the rows")
        let look = SampleLook(survey, rules)
        try reader.seek(to: reader.firstRow)
        // One thread, so that it is the same in every run: which paths are taken in depends on which come first.
        try BatchPass.run(reader, workers: [look], cancellation: operation.cancellation)
        let found = try look.discovery.resolve { questions in
            try operation.cancellation.check()
            return questions.map { question -> Set<Value> in
                guard let known = survey.rows(of: question.collection)?.ids else { return [] }
                return Set(question.ids.filter { known.contains(IDHash.hash(of: $0)) })
            }
        }
        return found.references
    }
}

/// Which rows of a collection are looked at: all of a few; of many the first and the last, which may have fields that the
/// others lack, and some of those between.
private struct RowSample {
    /// Rows of one collection, and of all together where there are very many.
    private static let most = 3000
    private static let mostOfAll = 600_000
    private static let fewest = 30
    /// Bytes of one collection's documents.
    private static let mostBytes = 16 << 20
    /// Bytes of a row that is left out where most are smaller: its document would be as much as all others. A row takes some
    /// times as much as its document.
    private static let huge = 1 << 20
    private static let growth = 4

    private let count: Int
    /// So many from the beginning, from the end and from between.
    private let share: Int
    /// Rows between of which one is looked at.
    private let step: Int
    private let largest: Int
    private var next = 0

    /// - Parameters:
    ///   - unreadable: rows that are not among `rows`.
    ///   - collections: how many there are in the file.
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
        // Another place in each step: a rhythm of the rows could hide behind the same.
        let (part, place) = (number - share).quotientAndRemainder(dividingBy: step)
        return place == Int((UInt64(part) &* 0x9E37_79B9_7F4A_7C15) >> 33) % step
    }
}

// @unchecked: one thread at a time; read after the pass has ended.
private final class SampleLook: BatchWorker, @unchecked Sendable {
    private var decoder: ConvertingDecoder
    private var samples: [ExactName: RowSample] = [:]
    /// As closely as before an export.
    private(set) var discovery = ReferenceDiscovery(valuesPerPath: 200, findsTypes: false)

    init(_ survey: FileSurvey, _ rules: TypeRules?) {
        decoder = ConvertingDecoder(survey: survey, rules: rules)
        for rows in survey.rows {
            let name = ExactName(rows.name)
            samples[name] = RowSample(
                rows, unreadable: survey.unreadable[name, default: 0], collections: survey.rows.count)
            discovery.declare(rows.name, count: rows.count)
        }
    }

    func look(at batch: RecordBatch) throws {
        try batch.forEachRow { row in
            let bytes = row.bytes.count
            try decoder.withDocument(row, in: { samples[ExactName($0)]?.takesNext(bytes: bytes) ?? false }) {
                name, document, isLegacy in
                guard isLegacy else { return try discovery.add(document, in: name) }
                // Of the others nothing counts here but that they are there to be referred to.
                guard let id = document.first else { return }
                let key = Document { $0.append(copying: id) }
                try key.withRaw { try discovery.add($0, in: name) }
            }
        }
    }
}
