import MongoDriver

/// Says what to do about errors of reading.
enum ReadFault {
    static func explained(_ error: any Error, _ moment: ReadMoment) -> any Error {
        guard let error = error as? MongoError else { return error }
        if error.isSnapshotTooOld {
            return FerryError(
                "the export took longer than the server keeps the history of its snapshot: \(error.message)",
                details: [
                    "Nothing was left behind under the file's name.",
                    "The server parameter minSnapshotHistoryWindowInSeconds (300 by default) says how long: raise it, or say --consistency collection, which takes a snapshot for each collection.",
                ])
        }
        if error.isSnapshotUnavailable {
            return FerryError(
                "a collection or an index was created or dropped while the export ran: \(error.message)",
                details: ["Nothing was left behind under the file's name. Run the export again."])
        }
        return error
    }
}
