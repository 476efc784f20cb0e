import BSON
import BackupFile
import MongoDriver
import Relations

/// Checks to make when everything has been read.
extension Export {
    /// Compares the documents that the ranges of a collection brought with the server's own count at the same moment.
    /// Without a common cluster time there is no such moment, and nothing is checked.
    /// - Returns: a text for each collection that could not be counted any more because the server's history ended
    ///   meanwhile. All of its documents had been read by then.
    /// - Throws: ``FerryError`` if documents are missing or came twice.
    func checkSums(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ moment: ReadMoment, _ connection: Connection
    ) throws -> [String] {
        guard moment.clusterTime != nil else { return [] }
        var uncounted: [String] = []
        // A count takes a scan. It is worth that only if the number differs from the one in the server's metadata, as
        // it does while somebody writes.
        for (entry, read) in collections where read != entry.records {
            let count: Int
            do {
                count = try connection.withClient {
                    try $0.countDocuments(connection.namespace(entry.databaseName), readConcern: moment.readConcern)
                }
            } catch let error as MongoError where error.isSnapshotTooOld {
                uncounted.append(
                    "\(entry.databaseName): the server keeps no history of its snapshot any more, so that the \(read.counted("document")) that came could not be counted once more"
                )
                continue
            }
            guard count == read else {
                throw FerryError(
                    "\(entry.databaseName): \(read.counted("document was", "documents were")) read in ranges, the snapshot has \(count.grouped)",
                    advice: [
                        "The collection's _id index may be damaged: run validate on it. --jobs 1 reads without it."
                    ])
            }
        }
        return uncounted
    }

    /// Looks for collections that were dropped, renamed or replaced since they were listed: the file would hold the
    /// documents of one with the options and indexes of another.
    ///
    /// A collection that is read from the common snapshot is there as it was listed. But before MongoDB 7.0, a server
    /// that is asked for the snapshot of a collection that is gone reports it as empty, or returns what a view of that
    /// name shows. Newer servers return the measurements of a time series that is gone through the definition of the
    /// one that took its place (seen on MongoDB 7.0.28).
    /// - Parameters:
    ///   - collections: the collections, with the number of documents read.
    ///   - found: what the database held at first.
    ///   - now: what it holds now.
    /// - Throws: ``FerryError`` if a doubtful collection is gone or has been replaced, or if the server did not report
    ///   a collection's indexes. Doubtful are collections that were not read from the common snapshot, whose number of
    ///   documents differs from what the server had reported, that have no indexes, or whose name is now a view's; and
    ///   time series.
    func checkAllAreThere(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ found: [CollectionInfo],
        _ now: [CollectionInfo], _ moment: ReadMoment, _ connection: Connection
    ) throws {
        let views = Set(now.filter { $0.kind == .view }.map { ExactName($0.name) })
        // A collection that was already gone when its indexes were asked for has none.
        let doubtful = collections.filter {
            moment.clusterTime == nil || $0.entry.isCapped || $0.read != $0.entry.records || $0.entry.indexes.isEmpty
                || $0.entry.kind == .timeseries || views.contains(ExactName($0.entry.databaseName))
        }.map(\.entry)
        let (before, after) = (CollectionIdentities(found), CollectionIdentities(now))
        for entry in doubtful {
            guard let identity = after[entry.databaseName], identity == before[entry.databaseName] else {
                throw FerryError(
                    "\(entry.databaseName) was dropped or renamed while the export ran",
                    advice: ["Run the export again."])
            }
            if entry.indexes.isEmpty { try checkHasNoIndexes(entry, connection) }
        }
    }

    /// Warns of an import that has begun while documents were read without a common snapshot; nil if none has. What was
    /// there at the beginning has been warned of.
    func lateImport(
        _ found: [CollectionInfo], _ now: [CollectionInfo], _ moment: ReadMoment, _ connection: Connection
    ) throws -> String? {
        guard moment.clusterTime == nil, !found.contains(where: { OwnNames.contains($0.name) }) else { return nil }
        return try UnfinishedImport.warning(now, connection)
    }

    /// Checks that a collection really has no indexes. Only few of a server's own have none; for others, a server has
    /// reported none by mistake, as while it was starting.
    private func checkHasNoIndexes(_ entry: BackupMetadata.Collection, _ connection: Connection) throws {
        let now = try connection.withClient { try $0.listIndexesIfExists(of: connection.namespace(entry.databaseName)) }
        guard now?.isEmpty != true else { return }
        throw FerryError(
            "\(entry.databaseName): the server did not tell the collection's indexes",
            advice: ["Run the export again."])
    }
}
