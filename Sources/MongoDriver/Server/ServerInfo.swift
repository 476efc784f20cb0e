import BSON

/// What the server says about itself, from `hello` and `buildInfo`.
public struct ServerInfo: Sendable {
    public enum Topology: Hashable, Sendable {
        case standalone
        case replicaSet(String)
        case sharded
    }

    /// For example `6.0.5`.
    public let version: String
    /// For example `[6, 0, 5]`, for comparisons.
    public let versionNumbers: [Int]
    public let topology: Topology
    public let isWritablePrimary: Bool
    /// Whether it only votes for a primary, and has no data.
    package let isArbiter: Bool
    public let maxBsonObjectSize: Int
    /// The bytes by which servers let some documents exceed ``maxBsonObjectSize``, such as their own and the results of
    /// updates: a backup may contain some.
    public static let documentAllowance = 16_384
    package let maxMessageSizeBytes: Int
    package let maxWriteBatchSize: Int
    let maxWireVersion: Int
    /// The members of the replica set, as `host:port`.
    public let hosts: [String]
    let supportsSessions: Bool
    /// The replication state in the latest `hello`; nil unless it is a replica set member.
    public let replication: ReplicationState?

    /// The size in bytes of the largest document that may be stored.
    public var maximumStoredDocument: Int { maxBsonObjectSize + Self.documentAllowance }

    /// The same, if no server states its limit: so far, all have the same.
    public static let usualMaximumStoredDocument = 16 << 20 + documentAllowance

    /// Whether reads can share one point in time across collections: replica sets and sharded clusters from 5.0.
    public var supportsSnapshotReads: Bool { topology != .standalone && maxWireVersion >= 13 }

    /// Whether there are transactions: replica sets from 4.0, sharded clusters from 4.2.
    public var supportsTransactions: Bool {
        switch topology {
        case .standalone: false
        case .replicaSet: supportsSessions && maxWireVersion >= 7
        case .sharded: supportsSessions && maxWireVersion >= 8
        }
    }

    /// Whether the version is this one or later: `isAtLeast(6, 0, 17)`.
    public func isAtLeast(_ numbers: Int...) -> Bool { !versionNumbers.lexicographicallyPrecedes(numbers) }

    init(hello: Document, buildInfo: Document) {
        version = buildInfo["version"]?.string ?? "unknown"
        // The fourth number marks release candidates, for which it is negative.
        versionNumbers = buildInfo["versionArray"]?.array?.prefix(3).compactMap(\.integer) ?? []
        if hello["msg"]?.string == "isdbgrid" {
            topology = .sharded
        } else if let name = hello["setName"]?.string {
            topology = .replicaSet(name)
        } else {
            topology = .standalone
        }
        isWritablePrimary = (hello["isWritablePrimary"] ?? hello["ismaster"])?.bool ?? false
        isArbiter = hello["arbiterOnly"]?.bool ?? false
        let limits = ServerLimits(hello)
        maxBsonObjectSize = limits.maxBsonObjectSize
        maxMessageSizeBytes = limits.maxMessageSizeBytes
        maxWriteBatchSize = limits.maxWriteBatchSize
        maxWireVersion = hello["maxWireVersion"]?.integer ?? 0
        hosts = hello["hosts"]?.array?.compactMap(\.string) ?? []
        supportsSessions = hello["logicalSessionTimeoutMinutes"]?.integer != nil
        replication = ReplicationState(hello)
    }
}
