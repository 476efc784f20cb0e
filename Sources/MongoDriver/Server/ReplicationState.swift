import BSON

/// How far a replica set member has replicated, and how far, as it knows, a majority of the set has.
///
/// Source: MongoDB manual, `hello`.
public struct ReplicationState: Sendable {
    /// The member's own latest write.
    public let own: Timestamp
    /// The latest write that a majority of the members has.
    public let majority: Timestamp
    /// Whether the member knows a primary, itself or another. Without a primary, the majority cannot advance.
    public let knowsPrimary: Bool

    /// Nil if the server is not a replica set member.
    init?(_ hello: Document) {
        let writes = hello["lastWrite"]?.document
        func time(_ name: String) -> Timestamp? { writes?[name]?.document?["ts"]?.timestamp }
        guard let own = time("opTime"), let majority = time("majorityOpTime") else { return nil }
        self.own = own
        self.majority = majority
        knowsPrimary = hello["primary"] != nil
    }
}
