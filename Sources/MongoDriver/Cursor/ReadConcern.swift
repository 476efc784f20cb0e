import BSON

/// Read concerns in the form that ``FindOptions`` and ``AggregateOptions`` take.
public enum ReadConcern {
    /// `local`, `majority`, `available` or `linearizable`.
    public static func level(_ level: String) -> Document { ["level": .string(level)] }

    /// One point in time: the given one, for instance that of another read, or one that the server chooses.
    public static func snapshot(at time: Timestamp? = nil) -> Document {
        let readConcern: Document = ["level": "snapshot"]
        return time.map { readConcern.appending("atClusterTime", .timestamp($0)) } ?? readConcern
    }
}
