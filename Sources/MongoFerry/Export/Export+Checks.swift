import BSON
import BackupFile
import MongoDriver

/// What must be true when everything has been read.
extension Export {
    /// Holds what the ranges of a collection brought against the server's own count at the same moment. Without a
    /// snapshot there is no such moment.
    /// - Throws: ``FerryError`` where documents are missing or came twice.
    func checkSums(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ moment: ReadMoment, _ connection: Connection
    ) throws {
        guard moment.clusterTime != nil else { return }
        // The count that was asked for before is the same unless somebody writes: only then is counting worth a scan.
        for (entry, read) in collections where read != entry.records {
            let count = try connection.withClient {
                try $0.countDocuments(connection.namespace(entry.databaseName), readConcern: moment.readConcern)
            }
            guard count == read else {
                throw FerryError(
                    "\(entry.databaseName): \(read) documents were read in ranges, the snapshot has \(count)",
                    details: [
                        "Nothing was left behind under the file's name.",
                        "The collection's _id index may be damaged: run validate on it. --jobs 1 reads without it.",
                    ])
            }
        }
    }

    /// Looks for collections that were dropped or renamed meanwhile: before MongoDB 7.0 a server that is asked for their
    /// snapshot says that they are empty.
    /// - Parameters:
    ///   - collections: with the documents that came.
    ///   - found: what the database held at first.
    /// - Throws: ``FerryError`` where a collection of which something else came than the server had said is not there
    ///   any more, or another.
    func checkAllAreThere(
        _ collections: [(entry: BackupMetadata.Collection, read: Int)], _ found: [CollectionInfo],
        _ connection: Connection
    ) throws {
        // One that was not there any more when its indexes were asked for has none.
        let doubtful = collections.filter { $0.read != $0.entry.records || $0.entry.indexes.isEmpty }.map(\.entry)
        guard !doubtful.isEmpty else { return }
        let now = try connection.withClient { try $0.listCollections(in: connection.database) }
        func uuid(_ name: String, in collections: [CollectionInfo]) -> Value? {
            // Those that have none, as time series, are at least still there.
            collections.first { $0.name.hasSameBytes(as: name) }.map { $0.info["uuid"] ?? .null }
        }
        for entry in doubtful {
            let name = entry.databaseName
            guard let after = uuid(name, in: now), after == uuid(name, in: found) else {
                throw FerryError(
                    "\(name) was dropped or renamed while the export ran",
                    details: ["Nothing was left behind under the file's name. Run the export again."])
            }
        }
    }
}
