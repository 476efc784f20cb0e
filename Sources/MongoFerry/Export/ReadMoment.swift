import BSON
import ExtendedJSON
import Foundation
import MongoDriver

/// The moment at which the documents of an export are read.
struct ReadMoment: Sendable {
    let consistency: ExportOptions.Consistency
    /// The cluster time that all collections share; nil if there is none.
    let clusterTime: Timestamp?
    /// Set if a majority of the replica set's members is so far behind that waiting for it could take for ever.
    private let lag: ReplicationState?

    /// Settles on a moment that the server can provide.
    ///
    /// The time comes from a reply after the collections were listed, so that each of them existed by then: a snapshot
    /// from before a collection was created cannot read it.
    /// - Parameters:
    ///   - sizes: their operation time is used if it is recent, which saves a round trip.
    ///   - wanted: nil for the best that the server supports.
    /// - Throws: ``FerryError`` if a snapshot was requested and the server has none, or if it reports no time for one.
    init(_ connection: Connection, after sizes: CollectionSizes, wanted: ExportOptions.Consistency?) throws {
        if connection.server.supportsSnapshotReads {
            consistency = wanted ?? .snapshot
            guard consistency == .snapshot else {
                clusterTime = nil
                lag = nil
                return
            }
            if let state = connection.server.replication, Self.isStuck(state) {
                lag = state
                clusterTime = state.majority
                return
            }
            guard let time = try sizes.recentTime ?? Self.time(of: connection) else {
                throw FerryError(
                    "the server reports no operationTime for a snapshot",
                    advice: ["Use --consistency none to read without one."])
            }
            lag = nil
            clusterTime = time
            return
        }
        if let wanted, wanted != .unprotected {
            throw FerryError(
                "this server has no snapshots: MongoDB \(connection.server.version), \(connection.topologyText)",
                details: ["Replica sets and sharded clusters have them from MongoDB 5.0."],
                advice: ["Use --consistency none to read without one."])
        }
        consistency = .unprotected
        clusterTime = nil
        lag = nil
    }

    /// Whether the majority is behind and stays there: without a primary it cannot advance.
    private static func isStuck(_ state: ReplicationState) -> Bool {
        !state.knowsPrimary && state.own != state.majority
    }

    /// How long a majority may take to reach the moment.
    private static let patience = Duration.seconds(5)
    private static let pause = 0.05

    init(behind state: ReplicationState) {
        consistency = .snapshot
        clusterTime = state.majority
        lag = state
    }

    /// Whether a majority of the members may not have reached the moment yet, as far as is known.
    func isAhead(of server: ServerInfo) -> Bool {
        guard lag == nil, let clusterTime, let state = server.replication else { return false }
        return state.majority < clusterTime
    }

    /// Waits until a majority of the members has reached the moment. Otherwise the first read would wait for it,
    /// perhaps without end, and could not be stopped.
    /// - Returns: the moment that the majority has reached, if waiting takes too long or there is no primary any more.
    /// - Throws: ``MongoError``; `CancellationError`.
    func reached(_ connection: Connection, _ cancellation: Cancellation) throws -> ReadMoment {
        let began = ContinuousClock.now
        while let clusterTime, let now = try connection.withClient({ try $0.replicationState() }),
            now.majority < clusterTime
        {
            if Self.isStuck(now) || ContinuousClock.now - began > Self.patience { return ReadMoment(behind: now) }
            try cancellation.check()
            Thread.sleep(forTimeInterval: Self.pause)
        }
        return self
    }

    /// Whether the documents are read as they were some time ago.
    var isPast: Bool { lag != nil }

    /// What the lag means for the file; nil if there is none.
    var warning: String? {
        guard let lag else { return nil }
        func text(_ time: Timestamp) -> String { ISODate.text(milliseconds: Int64(time.seconds) * 1000) }
        return
            "no majority of the replica set's members has what was written after \(text(lag.majority)) (latest write: "
            + "\(text(lag.own))): the documents are those of then; which collections, options and indexes there are is "
            + "as it is now. --consistency none reads what is there now"
    }

    private static func time(of connection: Connection) throws -> Timestamp? {
        try connection.withClient { try $0.ping(connection.database) }["operationTime"]?.timestamp
    }

    var readConcern: ReadConcern? {
        switch consistency {
        case .snapshot: .snapshot(at: clusterTime)
        case .collection: .snapshot()
        case .unprotected: nil
        }
    }

    /// `2026-11-23T20:04:44Z`
    var text: String? { clusterTime.map { ISODate.text(milliseconds: Int64($0.seconds) * 1000) } }
}
