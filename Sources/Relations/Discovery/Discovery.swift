/// What was discovered in a database's own documents.
public struct Discovery: Sendable {
    /// Sorted. Several references at one path either have conditions that tell them apart, or a value is in one of the
    /// targets.
    public let references: [Reference]
    /// Paths that nearly are references, with the reason against it.
    public let candidates: [ReferenceCandidate]
    /// Paths with a single type, by collection in name order and path in the order met.
    public let types: [TypedPath]

    /// The part that starts in some of the collections.
    public func starting(in isWanted: (String) -> Bool) -> Discovery {
        Discovery(
            references: references.filter { isWanted($0.collection) },
            candidates: candidates.filter { isWanted($0.collection) }, types: types.filter { isWanted($0.collection) })
    }
}
