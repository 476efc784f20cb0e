/// What became of one collection.
public struct CollectionOutcome: Sendable {
    public var name: String
    public var read = 0
    public var inserted = 0
    public var updated = 0
    public var unchanged = 0
    public var deleted = 0
    public var rejected = 0
    public var seconds = 0.0

    public init(name: String) { self.name = name }

    static func += (left: inout CollectionOutcome, right: CollectionOutcome) {
        left.read += right.read
        left.inserted += right.inserted
        left.updated += right.updated
        left.unchanged += right.unchanged
        left.deleted += right.deleted
        left.rejected += right.rejected
    }
}
