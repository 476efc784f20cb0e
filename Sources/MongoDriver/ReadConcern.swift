import BSON

/// Read concerns as ``FindOptions`` takes them.
public enum ReadConcern {
    /// `local`, `majority`, `available` or `linearizable`.
    public static func level(_ level: String) -> Document { ["level": .string(level)] }

    /// One point in time: the server's choice, or this one, which may be that of another read.
    public static func snapshot(at time: Timestamp? = nil) -> Document {
        let readConcern: Document = ["level": "snapshot"]
        return time.map { readConcern.appending("atClusterTime", .timestamp($0)) } ?? readConcern
    }
}
