import BSON
import BackupFile
import Relations
import Synchronization

/// The measurements that a file has several times, and how many live ones each was found to have so far.
///
/// Equal measurements may come in different batches, at different threads: a live one that was taken for one of the
/// file's must not be taken for another. Those that the file has once need no account.
///
/// Measurements go by their hashes, see ``ContentHash``: 8 bytes for each of the file's while they are read, then at most
/// as much for all that are there several times.
final class RepeatedMeasurements: Sendable {
    private let contents: ContentHash
    private let fields: MeasurementFields
    /// Each once, sorted.
    private let hashes: RecordHashes
    /// How many live ones are accounted for, by the places in `hashes`.
    private let taken: Mutex<[Int]>

    /// Reads the rows of a time series once.
    /// - Throws: ``BackupError``, ``FileError``; `CancellationError`.
    init(
        in rows: FileSurvey.Rows, of reader: BackupReader, _ survey: FileSurvey, _ rules: TypeRules?,
        _ fields: MeasurementFields, _ cancellation: Cancellation
    ) throws {
        let contents = ContentHash()
        var all = RecordHashes()
        var decoder = ConvertingDecoder(survey: survey, rules: rules)
        try reader.forEachBatch(from: rows.first, until: rows.end) { batch in
            try cancellation.check()
            batch.forEachRow { row in
                decoder.withDocument(row, in: rows.name.hasSameBytes) { _, document, _ in
                    all.append(Self.hash(fields.sorted(document), contents), document: nil)
                }
            }
        }
        all.sort()
        var repeated = RecordHashes()
        for place in 0..<max(all.count - 1, 0) where all[place] == all[place + 1] {
            if repeated.count == 0 || repeated[repeated.count - 1] != all[place] {
                repeated.append(all[place], document: nil)
            }
        }
        repeated.sort()
        self.contents = contents
        self.fields = fields
        hashes = repeated
        taken = Mutex(Array(repeating: 0, count: repeated.count))
    }

    /// Takes live ones for measurements of the file.
    /// - Parameters:
    ///   - wanted: how many equal ones of the file are looked for.
    ///   - measurement: one of them, its fields in the order of their names.
    ///   - live: how many the database has now.
    /// - Returns: how many of those wanted are there.
    func take(_ wanted: Int, of measurement: Document, live: Int) -> Int {
        guard let place = place(of: measurement) else { return min(wanted, live) }
        return taken.withLock { taken in
            let count = max(0, min(wanted, live - taken[place]))
            taken[place] += count
            return count
        }
    }

    /// Accounts for one of the file's that was written just now.
    func noteWritten(_ measurement: RawDocument) {
        guard hashes.count > 0, let place = place(of: fields.sorted(measurement)) else { return }
        taken.withLock { $0[place] += 1 }
    }

    private func place(of measurement: Document) -> Int? { hashes.place(of: Self.hash(measurement, contents)) }

    private static func hash(_ measurement: Document, _ contents: ContentHash) -> UInt64 {
        measurement.withRaw { contents.hash($0.bytes) }
    }
}
