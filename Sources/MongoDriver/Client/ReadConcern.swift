import BSON
import CLibMongoC

/// Which version of the data a read returns. Source: MongoDB manual, "Read Concern".
public struct ReadConcern: Hashable, Sendable {
    /// `local`, `available`, `majority`, `linearizable` or `snapshot`; the server judges others.
    public let level: String
    /// The point in time of a snapshot; nil lets the server choose.
    public let clusterTime: Timestamp?

    init(level: String, clusterTime: Timestamp? = nil) {
        self.level = level
        self.clusterTime = clusterTime
    }

    public static let local = ReadConcern(level: "local")
    public static let majority = ReadConcern(level: "majority")

    /// One point in time: the given one, for instance that of another read, or one that the server chooses.
    public static func snapshot(at time: Timestamp? = nil) -> ReadConcern {
        ReadConcern(level: "snapshot", clusterTime: time)
    }

    public var isSnapshot: Bool { level == "snapshot" }

    /// In the form that commands take.
    var document: Document {
        let concern: Document = ["level": .string(level)]
        return clusterTime.map { concern.appending("atClusterTime", .timestamp($0)) } ?? concern
    }
}

extension ReadConcern {
    /// The connection string's read concern; nil if it has none.
    init?(uri: OpaquePointer) {
        guard let level = mongoc_uri_get_read_concern(uri).flatMap(mongoc_read_concern_get_level) else { return nil }
        self.init(level: String(cString: level))
    }
}
