import BSON
import ExtendedJSON
import MongoDriver

/// At which moment the documents of an export are read.
struct ReadMoment: Sendable {
    let consistency: ExportOptions.Consistency
    /// The cluster time that all collections share.
    let clusterTime: Timestamp?
    /// A majority of the replica set's members is so far behind that waiting for it could take for ever: the last time that
    /// it had reached, and the time of the latest write.
    private let lag: (majority: Timestamp, own: Timestamp)?

    /// Settles on a moment that the server can give.
    ///
    /// The time is taken from a reply after the collections were listed, so that every one of them existed by then; a
    /// snapshot from before a collection was made cannot read it.
    /// - Parameters:
    ///   - sizes: whose time is taken where they are recent, which saves a round trip.
    ///   - wanted: nil for the best there is.
    /// - Throws: ``FerryError`` where a snapshot was asked for and the server has none.
    init(_ connection: Connection, after sizes: CollectionSizes, wanted: ExportOptions.Consistency?) throws {
        if connection.server.supportsSnapshotReads {
            consistency = wanted ?? .snapshot
            lag = consistency == .snapshot ? Self.lag(connection.server) : nil
            clusterTime =
                consistency == .snapshot ? try lag?.majority ?? sizes.recentTime ?? Self.time(of: connection) : nil
            if consistency == .snapshot, clusterTime == nil {
                throw FerryError(
                    "the server reports no operationTime for a snapshot",
                    advice: ["Use --consistency none to read without one."])
            }
            return
        }
        if let wanted, wanted != .none {
            throw FerryError(
                "this server has no snapshots: MongoDB \(connection.server.version), \(connection.topologyText)",
                details: ["Replica sets and sharded clusters have them from MongoDB 5.0."],
                advice: ["Use --consistency none to read without one."])
        }
        consistency = .none
        clusterTime = nil
        lag = nil
    }

    private static func lag(_ server: ServerInfo) -> (majority: Timestamp, own: Timestamp)? {
        guard let (own, majority) = server.lastWrite else { return nil }
        let isBehind = own.seconds >= majority.seconds + secondsBehind || !server.knowsPrimary && own != majority
        return isBehind ? (majority, own) : nil
    }

    private static let secondsBehind: UInt32 = 5

    /// What a lag means for the file; nil where there is none.
    var warning: String? {
        guard let lag else { return nil }
        func text(_ time: Timestamp) -> String { ISODate.text(milliseconds: Int64(time.seconds) * 1000) }
        return
            "no majority of the replica set's members has what was written after \(text(lag.majority)) (latest write: "
            + "\(text(lag.own))): the file shows the database as it was then. --consistency none reads what is there now"
    }

    private static func time(of connection: Connection) throws -> Timestamp? {
        try connection.withClient { try $0.ping(connection.database) }["operationTime"]?.timestamp
    }

    var readConcern: Document? {
        switch consistency {
        case .snapshot: ReadConcern.snapshot(at: clusterTime)
        case .collection: ReadConcern.snapshot()
        case .none: nil
        }
    }

    /// `2026-11-23T20:04:44Z`
    var text: String? { clusterTime.map { ISODate.text(milliseconds: Int64($0.seconds) * 1000) } }
}
