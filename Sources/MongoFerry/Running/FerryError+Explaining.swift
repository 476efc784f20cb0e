import BackupFile
import MongoDriver
import Relations

extension FerryError {
    /// Converts an error of any type that an operation threw, and separates its text, details and advice.
    public init(explaining error: any Error) {
        switch error {
        case let error as FerryError: self = error
        // The data are faulty: same exit status as for a file whose seal does not match.
        case let error as BackupError:
            self.init(
                error.text, kind: error.kind == .damaged ? .data : .failed, details: Self.list(error.outcome),
                advice: Self.list(error.advice), underlying: error)
        case let error as ConfigurationError: self.init("\(error)", kind: .usage)
        case let error as FileError: self.init(error.text, advice: Self.list(error.advice), underlying: error)
        case let error as MongoError:
            self.init(Self.text(error), advice: Self.list(Self.advice(error)), underlying: error)
        case is CancellationError: self.init("interrupted", kind: .interrupted)
        default: self.init("\(error)")
        }
    }

    private static func list(_ advice: String?) -> [String] { advice.map { [$0] } ?? [] }

    private static func text(_ error: MongoError) -> String {
        error.isWriteConcernFailure
            ? "the server wrote, but could not confirm it with write concern majority: \(error)" : "\(error)"
    }

    private static func advice(_ error: MongoError) -> String? {
        if error.isWriteConcernFailure {
            return error.isInterrupted
                ? "Somebody has ended the operation on the server."
                : "rs.status() in mongosh shows which members are down or behind."
        }
        if error.isUnauthorized { return rights + (action(error).map { " A role of your own needs \($0)." } ?? "") }
        if error.isOutOfDiskSpace { return "Free room on the server." }
        guard isOfReading(error) else { return nil }
        if error.isTakenAwayFromReader {
            return
                "Another program has dropped, renamed or replaced a collection while it was read. Run the command again."
        }
        if error.isCursorNotFound || error.isInterrupted {
            return
                "Somebody has ended the operation on the server, or this program was suspended for longer than a session lives. Run the command again."
        }
        return nil
    }

    private static func isOfReading(_ error: MongoError) -> Bool {
        ["find", "getMore", "aggregate", "count", "listIndexes", "listCollections"].contains(
            error.context?.command ?? "")
    }

    /// The privilege that a command needs; nil if it needs none that is known here.
    ///
    /// Source: MongoDB manual, "Privilege Actions".
    private static func action(_ error: MongoError) -> String? {
        guard let context = error.context, let command = context.command, let action = actions[command] else {
            return nil
        }
        let place = context.target.map { " on \($0.oneLine)" } ?? ""
        let others =
            command.hasPrefix("list") ? "" : "; an import also on the collections \(OwnNames.all) of the database"
        return "\(action)\(place)\(others)"
    }

    private static let actions = [
        "listCollections": "listCollections", "listIndexes": "listIndexes", "find": "find", "aggregate": "find",
        "count": "find", "insert": "insert", "update": "insert and update", "findAndModify": "insert and update",
        "delete": "remove", "create": "createCollection", "createIndexes": "createIndex", "drop": "dropCollection",
        "dropIndexes": "dropIndex", "renameCollection": "renameCollectionSameDB", "collMod": "collMod",
    ]

    private static let rights =
        "export and verify need a user with the role read on the database, import one with readWrite. The connection "
        + "string names it: mongodb://USER:PASSWORD@HOST/?authSource=admin."
}

extension BackupWriter {
    /// Warns that the file is complete but its name may not survive a power failure; nil if no such fault is known.
    var folderWarning: String? {
        folderFault.map {
            "the file is whole, but its name may be lost where the power fails: \(FerryError(explaining: $0).text)"
        }
    }
}
