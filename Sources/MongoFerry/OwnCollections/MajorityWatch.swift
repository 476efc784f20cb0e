import BSON

/// Notices that writes wait for a majority of a replica set's members that does not come: then nothing goes on, and
/// nothing else says why.
struct MajorityWatch {
    /// How long no write may be acknowledged: longer than an election takes.
    static let patience = Duration.seconds(20)

    private var majority: Timestamp?
    private var since: ContinuousClock.Instant
    private var isTold = false

    init(_ now: ContinuousClock.Instant = .now) { since = now }

    /// - Parameters:
    ///   - own: the primary's latest write, while something is written every few seconds.
    ///   - reached: the latest one that a majority has.
    ///   - now: when the primary said so.
    /// - Returns: that none comes, once; and once that it is over.
    mutating func look(
        own: Timestamp, majority reached: Timestamp, _ now: ContinuousClock.Instant = .now
    ) -> News? {
        if reached != majority || reached == own {
            majority = reached
            since = now
            defer { isTold = false }
            return isTold ? .isBack : nil
        }
        guard !isTold, now - since >= Self.patience else { return nil }
        isTold = true
        return .isMissing
    }

    enum News {
        case isMissing, isBack

        func tell(_ operation: OperationContext) {
            switch self {
            case .isMissing:
                operation.warning(
                    "no majority of the replica set's members has acknowledged a write for \(MajorityWatch.patience.components.seconds) seconds: the import waits until one does. rs.status() in mongosh shows which members are down or behind"
                )
            case .isBack: operation.info("a majority of the replica set's members acknowledges writes again")
            }
        }
    }
}
