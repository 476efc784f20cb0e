/// What became of one collection; of a dry run, what would become of it.
///
/// A replace counts all that it loads as inserted and all former documents as deleted. Its dry run counts the
/// differences, time series aside.
public struct CollectionOutcome: Sendable {
    /// The name in the file.
    public var name: String
    /// Rows of the file, ``rejected`` ones too; of a check of a database alone, documents by the server's estimate.
    public var read = 0
    /// Documents that the database did not have; in a replace all that were loaded.
    public var inserted = 0
    /// Documents that differed from the file, and were replaced by those of the file.
    public var updated = 0
    /// Documents that were left as they are: equal ones, and in an insert all whose `_id` was there.
    public var unchanged = 0
    /// Former documents that a replace removed, by the server's estimate; 0 in other modes.
    public var deleted = 0
    /// Rows that could not be taken, and documents that the server refused.
    public var rejected = 0
    /// Seconds for reading or writing its documents, in a replace for indexes too; 0 where not measured, as in a check.
    public var seconds = 0.0

    public init(name: String) { self.name = name }

    /// Documents of which it is known what became of them.
    var settled: Int { inserted + updated + unchanged + rejected }

    static func += (left: inout CollectionOutcome, right: CollectionOutcome) {
        left.read += right.read
        left.inserted += right.inserted
        left.updated += right.updated
        left.unchanged += right.unchanged
        left.deleted += right.deleted
        left.rejected += right.rejected
    }
}
