import BSON
import BackupFile
import MongoDriver
import Relations

/// What must be true when everything has been read.
extension Export {
    /// Holds what the ranges of a collection brought against the server's own count at the same moment. Without a
    /// snapshot there is no such moment.
    /// - Returns: what could not be counted any more: the server's history may end meanwhile. All has been read then.
    /// - Throws: ``FerryError`` where documents are missing or came twice.
    func checkSums(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ moment: ReadMoment, _ connection: Connection
    ) throws -> [String] {
        guard moment.clusterTime != nil else { return [] }
        var uncounted: [String] = []
        // The count that was asked for before is the same unless somebody writes: only then is counting worth a scan.
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

    /// Looks for collections that were dropped, renamed or swapped for others since they were listed: the documents of one
    /// would stand in the file with the options and indexes of another.
    ///
    /// Who has a place in the snapshot of all is there as it was listed; only, before MongoDB 7.0 a server that is asked for
    /// the snapshot of what has gone says that it is empty, or gives what a view of that name shows. Newer ones give the
    /// measurements of a time series that has gone through the definition of the one in its place (seen on MongoDB 7.0.28).
    /// - Parameters:
    ///   - collections: with the documents that came.
    ///   - found: what the database held at first.
    /// - Throws: ``FerryError`` where a collection that was not read from the snapshot, or of which something else came
    ///   than the server had said, is not there any more, or is another; where a collection's indexes were not told.
    func checkAllAreThere(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ found: [CollectionInfo],
        _ moment: ReadMoment, _ connection: Connection
    ) throws {
        guard !collections.isEmpty else { return }
        let now = try connection.withClient { try $0.listCollections(in: connection.database) }
        let views = Set(now.filter { $0.kind == .view }.map { ExactName($0.name) })
        // One that was not there any more when its indexes were asked for has none.
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

    /// Few of a server's own have no indexes; of others it has said so by mistake, as while it was starting.
    private func checkHasNoIndexes(_ entry: BackupMetadata.Collection, _ connection: Connection) throws {
        let now = try connection.withClient { try $0.listIndexes(ofExisting: connection.namespace(entry.databaseName)) }
        guard now?.isEmpty != true else { return }
        throw FerryError(
            "\(entry.databaseName): the server did not tell the collection's indexes",
            advice: ["Run the export again."])
    }
}
