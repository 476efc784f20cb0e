import MongoDriver

/// Explains errors while reading, and says what to do about them.
enum ReadFault {
    static func explained(_ error: any Error, _ moment: ReadMoment) -> any Error {
        guard let error = error as? MongoError else { return error }
        if error.isSnapshotTooOld {
            let other =
                moment.consistency == .collection
                ? "or use --consistency none: then writes during the export may be half in the file"
                : "or use --consistency collection, which takes a snapshot for each collection"
            return FerryError(
                "the export took longer than the server keeps the history of its snapshot: \(error.message)",
                advice: [
                    "The server parameter minSnapshotHistoryWindowInSeconds (300 by default) says how long: raise it, \(other)."
                ])
        }
        if error.isCursorNotFound {
            return FerryError(
                "the server has closed a cursor of the export: \(error.message)",
                advice: [
                    "Run the export again.",
                    "Somebody has killed it, or it was not read for longer than the server keeps cursors: --jobs 1 opens one after the other.",
                ])
        }
        if error.isSnapshotUnavailable, moment.isPast {
            return FerryError(
                "a collection or an index was created or dropped after what a majority of the replica set's members has: \(error.message)",
                advice: [
                    "Wait until the members have caught up (rs.status() in mongosh shows it); or use --consistency none, which reads what is there now."
                ])
        }
        if error.isSnapshotUnavailable {
            return FerryError(
                "a collection or an index was created or dropped while the export ran: \(error.message)",
                advice: ["Run the export again."])
        }
        if error.isTakenAwayFromReader {
            return FerryError(
                "a collection was dropped, renamed or replaced while the export ran: \(error)",
                advice: ["Run the export again."])
        }
        if error.isCappedPositionLost {
            return FerryError(
                "a capped collection was overwritten faster than it could be read: \(error.message)",
                advice: ["Run the export again when less is written to it, or leave it out with --exclude."])
        }
        if error.isNetworkError || error.isNotPrimary {
            return FerryError(
                "the server went away while the export was read: \(error)",
                advice: ["Run the export again."])
        }
        return error
    }
}
