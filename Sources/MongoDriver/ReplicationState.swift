import BSON

/// How far a replica set's member is, and a majority of the set as that member knows.
///
/// Source: MongoDB manual, `hello`.
public struct ReplicationState: Sendable {
    /// The member's own latest write.
    public let own: Timestamp
    /// The latest that a majority of the members had.
    public let majority: Timestamp
    /// Whether it knew of a primary, itself or another. Without one a majority gets no further.
    public let knowsPrimary: Bool

    /// Nil where it is none of a replica set's.
    init?(_ hello: Document) {
        let writes = hello["lastWrite"]?.document
        func time(_ name: String) -> Timestamp? { writes?[name]?.document?["ts"]?.timestamp }
        guard let own = time("opTime"), let majority = time("majorityOpTime") else { return nil }
        self.own = own
        self.majority = majority
        knowsPrimary = hello["primary"] != nil
    }
}
