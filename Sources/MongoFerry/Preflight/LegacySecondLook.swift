import BSON
import BackupFile
import Relations

/// Reads a legacy file once more for what several threads could not determine in the first pass: which paths have data
/// as names, and, if other rows are Extended JSON, their `_id`s, to which the old application's rows may refer, and what
/// they have where these rows have dates.
struct LegacySecondLook {
    let reader: BackupReader
    let operation: OperationContext

    /// - Throws: ``BackupError``, ``FileError``; `CancellationError`.
    func run(_ survey: inout FileSurvey) throws {
        let crowded = survey.inference.crowdedCollections
        guard !crowded.isEmpty || survey.kinds.isMixed else { return }
        try reader.seek(to: reader.firstRow)
        let look = LegacySecondLookWorker(survey, crowded)
        // One thread, so that every run has the same result.
        try BatchPass.run(reader, workers: [look], cancellation: operation.cancellation)
        survey.inference.note(look.witness)
        survey.inference.merge(look.otherIDs)
        survey.inference.replace(crowded, by: look.crowds)
    }
}

private final class LegacySecondLookWorker: BatchWorker {
    private var decoder: RowDecoder
    private let legacyRows: FileSurvey.LegacyRows
    private let isMixed: Bool
    private let crowded: Set<[UInt8]>
    private(set) var crowds = LegacyInference.ofCrowds
    private(set) var otherIDs = LegacyInference()
    private(set) var witness: DateWitness

    init(_ survey: FileSurvey, _ crowded: [String]) {
        decoder = RowDecoder(survey)
        legacyRows = survey.legacyRows
        isMixed = survey.kinds.isMixed
        witness = isMixed ? survey.inference.dateWitness : DateWitness()
        self.crowded = Set(crowded.map { Array($0.utf8) })
    }

    func look(at batch: RecordBatch) throws {
        try batch.forEachRow { row in
            // The survey has noted rows that cannot be read.
            guard let (name, fields) = try? decoder.fields(of: row) else { return }
            let isCrowded = !crowded.isEmpty && crowded.contains(Array(name.utf8))
            guard isMixed || isCrowded else { return }
            do {
                try decoder.withDocument(fields, line: row.line, collection: name) { document, traits in
                    if legacyRows.includes(document, hasWrapper: traits.contains(.wrapper)) {
                        if isCrowded { try crowds.add(document, in: name) }
                        return
                    }
                    // The old application may have stored what looks like a wrapper.
                    if traits.contains(.wrapper), !FileSurvey.LegacyRows.hasHexadecimalID(document) {
                        try witness.add(document, in: name)
                    }
                    guard let id = document.first, id.type == .objectID else { return }
                    if isCrowded { crowds.add(id: id, in: name) } else { otherIDs.add(id: id, in: name) }
                }
            } catch is RowProblem {}
        }
    }
}
