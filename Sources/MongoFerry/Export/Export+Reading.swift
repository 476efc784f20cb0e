import BSON
import BackupFile
import Foundation
import MongoDriver

/// What is read how, and by which threads.
extension Export {
    /// Documents a batch, so that it takes a little less than 2 MB; 4 MB where each costs a wait for the network, and 8
    /// where that is long. A collection that is smaller comes with the first answer.
    ///
    /// Servers fill batches up to 16 MB, which several cursors would hold at once; a batch that is on its way while
    /// another is encoded is best small. libmongoc takes a buffer of the next power of two for each, and larger blocks
    /// come fresh from the system, page by page: they cost a third of an export's time.
    static func batchSize(averageDocument: Int, roundTrip: Duration) -> Int? {
        let bytes =
            roundTrip < Connection.distant ? 950 << 10 : roundTrip < .milliseconds(10) ? 3900 << 10 : 8 << 20
        // In a reply each document has its number in front of it.
        return averageDocument > 0 ? max(1, bytes / (averageDocument + 8)) : nil
    }

    /// Whether one collection is worth several cursors.
    ///
    /// Along the `_id` index a server works two to three times as long for a small document as without (measured on
    /// MongoDB 6.0.5). That pays where one cursor would wait for the network most of its time, and where there are cores
    /// to spare, as many threads say. At 5 ms a round trip it took five million small documents 1.4 times as long.
    static func cutsCollections(roundTrip: Duration, jobs: Int) -> Bool { roundTrip >= .milliseconds(30) || jobs >= 4 }

    /// What one cursor after the other reads: whole collections, and ranges of large ones.
    func parts(
        _ collections: [BackupMetadata.Collection], _ queries: ExportQueries, _ prepared: PreparedExport,
        _ connection: Connection, readers: Int
    ) throws -> [ReadPart] {
        let (sizes, moment) = (prepared.sizes, prepared.moment)
        var parts: [ReadPart] = []
        let roundTrip = try connection.roundTrip()
        let cuts = Self.cutsCollections(roundTrip: roundTrip, jobs: readers)
        for (index, entry) in collections.enumerated() {
            let isCapped = entry.isCapped
            let isSorted = options.reproducible && !isCapped
            // Measurements may share an `_id`.
            let timeField = entry.options["timeseries"]?.document?["timeField"]?.string
            let order = Document {
                $0.append("_id", 1)
                if let timeField, timeField != "_id" { $0.append(timeField, 1) }
            }
            var find = FindOptions(
                sort: isSorted ? order : nil,
                allowDiskUse: isSorted && connection.server.isAtLeast(4, 4) ? true : nil,
                // Servers refuse snapshots of capped collections.
                readConcern: isCapped ? nil : moment.readConcern)
            // What is read ahead waits for its turn to be written, and servers before 4.4.8 close a cursor that was left
            // alone for ten minutes, whatever its session does. Those that have snapshots are newer, as those of Atlas'
            // smallest tiers are, which take no such option; so are all that have time series, for which none takes it.
            if !connection.server.supportsSnapshotReads, entry.kind != .timeseries { find.noCursorTimeout = true }
            // Without a snapshot a document that is removed and inserted again while it is read would come twice, and no
            // import takes such a file. Along the index of their `_id`s each comes once.
            if moment.readConcern == nil, !isSorted, !isCapped, queries[entry.name] == nil, entry.idIndex != nil {
                find.hint = "_id_"
            }
            // Its order is a part of what it is, which an index has not.
            if isCapped, let query = queries[entry.name], !ExportQueries.needsIndex(query) {
                find.hint = ["$natural": 1]
            }
            var ranges = [IDRange()]
            var bytes = 0
            if let average = sizes[entry.databaseName]?.averageDocument {
                bytes = average * entry.records
                find.batchSize = Self.batchSize(averageDocument: average, roundTrip: roundTrip)
                // A query has an index of its own, and each range would be another snapshot of --consistency collection.
                if cuts, !isSorted, queries[entry.name] == nil, moment.consistency != .collection {
                    ranges = try IDRanges(connection: connection).ranges(
                        of: entry, bytes: bytes, readers: readers)
                }
            }
            for range in ranges {
                var bounded = find
                var filter = queries[entry.name] ?? [:]
                range.bound(&filter, &bounded)
                parts.append(
                    ReadPart(
                        collection: index, namespace: connection.namespace(entry.databaseName),
                        filter: filter, options: bounded,
                        isLarge: ranges.count == 1 && bytes > Connection.largeBytes))
            }
        }
        return parts
    }

    /// Reads, encodes, compresses and writes at the same time, on threads of their own.
    static func carry(
        _ reader: PartReader, times readers: Int, _ encoder: ChunkEncoder, times encoders: Int, _ sink: RowSink,
        compressors: Int, over connection: Connection
    ) throws {
        let open = Tally()
        open.add(readers)
        let reading = (0..<readers).map { index in
            { @Sendable in
                try connection.withClient {
                    try reader.run(with: $0, takesLarge: index < Connection.readersOfLarge)
                }
                if open.add(-1) == 0 { reader.encoders.close() }
            }
        }
        let encoding: @Sendable () throws -> Void = { try encoder.run() }
        let writing: @Sendable () throws -> Void = { try sink.run() }
        let compressing = Threads.help(compressors) { sink.helpToCompress() }
        defer {
            sink.dismissHelpers()
            compressing.wait()
        }
        try Threads.runAll(reading + Array(repeating: encoding, count: encoders) + [writing]) { reader.stop() }
    }

    /// Does what has rows written, and what follows it, while the disk keeps up with them.
    /// - Parameter body: is stopped where the disk has not taken something.
    /// - Throws: ``FileError`` then; what `body` throws; `CancellationError`.
    static func flushing<Result>(
        _ sink: RowSink, of reader: PartReader, _ cancellation: Cancellation, _ body: () throws -> Result
    ) throws -> Result {
        let flush = try ThreadAnswer {
            do { try sink.flushEarly() } catch {
                reader.stop()
                throw error
            }
        }
        do {
            let result = try body()
            while true {
                if let flushed = flush.wait(seconds: 0.1) {
                    try flushed.get()
                    return result
                }
                try cancellation.check()
            }
        } catch {
            sink.stopFlushing()
            // What the disk says comes first: it is why the others have stopped.
            try flush.wait().get()
            throw error
        }
    }
}
