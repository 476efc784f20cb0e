import BSON
import BackupFile
import Relations
import Synchronization

/// The measurements that a file has several times, and how many live ones were matched with each so far.
///
/// Equal measurements may come in different batches, on different threads: a live one that was matched with one of the
/// file's must not be matched with another. Those that the file has once are not counted.
///
/// Measurements are represented by their hashes, see ``ContentHash``: 8 bytes for each of the file's while they are
/// read, then at most as much for all that occur several times.
final class RepeatedMeasurements: Sendable {
    private let contents: ContentHash
    private let fields: MeasurementFields
    /// Sorted, without duplicates.
    private let hashes: RecordHashes
    /// The number of live ones that were matched or written, by the places in `hashes`.
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

    /// Matches live measurements with those of the file.
    /// - Parameters:
    ///   - wanted: the number of equal ones of the file to look for.
    ///   - measurement: one of them, with its fields in the order of their names.
    ///   - live: the number that the database has now.
    /// - Returns: how many of the wanted ones exist.
    func take(_ wanted: Int, of measurement: Document, live: Int) -> Int {
        guard let place = place(of: measurement) else { return min(wanted, live) }
        return taken.withLock { taken in
            let count = max(0, min(wanted, live - taken[place]))
            taken[place] += count
            return count
        }
    }

    /// Counts one of the file's that was just written.
    func noteWritten(_ measurement: RawDocument) {
        guard hashes.count > 0, let place = place(of: fields.sorted(measurement)) else { return }
        taken.withLock { $0[place] += 1 }
    }

    private func place(of measurement: Document) -> Int? { hashes.place(of: Self.hash(measurement, contents)) }

    private static func hash(_ measurement: Document, _ contents: ContentHash) -> UInt64 {
        measurement.withRaw { contents.hash($0.bytes) }
    }
}
