import BSON
import Relations

/// Checks names that an import would write to.
enum TargetName {
    /// - Parameters:
    ///   - isRenamed: whether this run's options gave the name.
    ///   - isTimeSeries: whether it is of a time series, whose storage has a longer name.
    /// - Throws: ``FerryError`` for a name that is the server's or this program's own, or that no collection can have.
    static func check(_ name: String, in database: String, isRenamed: Bool, isTimeSeries: Bool) throws {
        let stored = isTimeSeries ? ServerNames.buckets(of: name) : name
        let reason: String?
        if name.isEmpty {
            reason = "it is empty"
        } else if ServerNames.contains(name) || name.contains(".system.") {
            reason = "names that start with 'system.', or have '.system.' in them, are the server's own"
        } else if name.contains("__mdb_internal") {
            reason = "names with '__mdb_internal' in them are the server's own"
        } else if OwnNames.contains(name) {
            reason =
                "'\(OwnNames.lock)', '\(OwnNames.definitions)', '\(OwnNames.displaced)' and names that start with '\(OwnNames.stagingPrefix)' or "
                + "'\(OwnNames.displacedPrefix)' are this program's own"
        } else if name.utf8.contains(0) || name.contains("$") || name.hasScalarPrefix(".") {
            reason = "a collection's name has no '$' and no zero byte, and does not start with a point"
        } else if database.utf8.count + 1 + stored.utf8.count > 255 {
            reason =
                "with the database's name\(isTimeSeries ? " and what servers put in front of a time series'" : "") it is longer than 255 bytes"
        } else {
            reason = nil
        }
        if let reason {
            throw FerryError(
                "cannot import into '\(name.oneLine)': \(reason)", kind: isRenamed ? .usage : .failed,
                details: [FerryError.nothingWritten],
                advice: [
                    isRenamed
                        ? "Rename it to something else." : "--exclude leaves it out, --rename gives it another name."
                ])
        }
    }

    /// - Throws: ``FerryError`` for the server's own databases.
    static func check(database: String) throws {
        guard !["admin", "config", "local"].contains(database.lowercased()) else {
            throw FerryError("cannot import into the database '\(database)': it is the server's own", kind: .usage)
        }
    }
}
