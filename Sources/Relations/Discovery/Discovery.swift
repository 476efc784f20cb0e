/// What a database's own documents show.
public struct Discovery: Sendable {
    /// In the order of ``Reference``. Several of one path are either told apart by their conditions, or a value is in
    /// one of the targets.
    public let references: [Reference]
    /// What was close, with the reason against it.
    public let candidates: [ReferenceCandidate]
    /// Paths with one type, by collection in name order and path in the order met.
    public let types: [TypedPath]

    /// What of it starts in some of the collections.
    public func starting(in isWanted: (String) -> Bool) -> Discovery {
        Discovery(
            references: references.filter { isWanted($0.collection) },
            candidates: candidates.filter { isWanted($0.collection) }, types: types.filter { isWanted($0.collection) })
    }
}
