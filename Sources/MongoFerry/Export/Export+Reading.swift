import BSON
import BackupFile
import Foundation
import MongoDriver

/// How the collections are read.
extension Export {
    /// The number of documents per batch, so that it takes a little less than 1 MB; a little less than 4 MB if each
    /// batch costs a wait for the network, and 8 MB if that wait is long. A smaller collection comes with the first
    /// reply.
    ///
    /// Servers fill batches up to 16 MB, which several cursors would hold at once; and a batch that is on its way while
    /// another is encoded should be small. libmongoc allocates a buffer of the next power of two for each, and larger
    /// blocks come fresh from the system, page by page: they cost a third of an export's time.
    /// - Returns: nil if the size of the documents is unknown.
    static func batchSize(averageDocument: Int, roundTrip: Duration) -> Int? {
        let bytes =
            roundTrip < Connection.distant ? 950 << 10 : roundTrip < .milliseconds(10) ? 3900 << 10 : 8 << 20
        // In a reply, each document is preceded by its index.
        return averageDocument > 0 ? max(1, bytes / (averageDocument + 8)) : nil
    }

    /// Whether to read one collection with several cursors.
    ///
    /// Along the `_id` index, a server takes two to three times as long for a small document as without it (measured on
    /// MongoDB 6.0.5). That pays if a single cursor would wait for the network most of its time, or if there are cores
    /// to spare, which many threads suggest. At a round trip of 5 ms, five million small documents took 1.4 times as
    /// long with several cursors.
    static func cutsCollections(roundTrip: Duration, jobs: Int) -> Bool { roundTrip >= .milliseconds(30) || jobs >= 4 }

    /// The parts to read, in this order, each with its own cursor: whole collections, and ranges of large ones.
    func parts(
        _ collections: [BackupMetadata.Collection], _ queries: ExportQueries, _ prepared: PreparedExport,
        _ connection: Connection, readers: Int
    ) throws -> [ReadPart] {
        let (sizes, moment) = (prepared.sizes, prepared.moment)
        var parts: [ReadPart] = []
        let roundTrip = try connection.roundTrip()
        let cuts = Self.cutsCollections(roundTrip: roundTrip, jobs: readers)
        for (index, entry) in collections.enumerated() {
            var find = findOptions(of: entry, queries[entry.name], moment, connection)
            var ranges = [IDRange()]
            var bytes = 0
            if let average = sizes[entry.databaseName]?.averageDocument {
                bytes = average * entry.records
                find.batchSize = Self.batchSize(averageDocument: average, roundTrip: roundTrip)
                // A query uses an index of its own, and with --consistency collection each range would be another
                // snapshot.
                if cuts, find.sort == nil, queries[entry.name] == nil, moment.consistency != .collection {
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

    /// How to read a collection, whatever part of it.
    private func findOptions(
        of entry: BackupMetadata.Collection, _ query: Document?, _ moment: ReadMoment, _ connection: Connection
    ) -> FindOptions {
        let isCapped = entry.isCapped
        let isSorted = options.reproducible && !isCapped
        // Measurements may share an `_id`; then their time decides.
        let timeField = entry.options.timeField
        let order = Document {
            $0.append("_id", 1)
            if let timeField, timeField != "_id" { $0.append(timeField, 1) }
        }
        var find = FindOptions(
            sort: isSorted ? order : nil,
            allowDiskUse: isSorted && connection.server.isAtLeast(4, 4) ? true : nil,
            // Servers refuse snapshots of capped collections; what no majority has may be rolled back all the same.
            readConcern: moment.readConcern.map { isCapped ? .majority : $0 })
        // What is read ahead waits for its turn to be written, and servers before 4.4.8 close a cursor that is idle
        // for ten minutes, even if its session is in use. Servers with snapshot reads are newer, among them those
        // of Atlas' smallest tiers, which do not accept this option. Servers with time series are newer, too, and
        // none accepts it for these.
        if !connection.server.supportsSnapshotReads, entry.kind != .timeseries { find.noCursorTimeout = true }
        // Without a snapshot, a document that is removed and inserted again while the collection is read would come
        // twice, and no import accepts such a file. Along the `_id` index each comes once.
        if moment.readConcern == nil, !isSorted, !isCapped, query == nil, entry.idIndex != nil {
            find.hint = "_id_"
        }
        // The natural order is part of a capped collection's content, and no index keeps it.
        if isCapped, let query, !ExportQueries.needsIndex(query) {
            find.hint = ["$natural": 1]
        }
        return find
    }
}
