/// What happened to one collection, or in a dry run what would happen.
///
/// A replace counts everything that it loads as inserted and all former documents as deleted. Its dry run counts the
/// differences instead, except for time series.
public struct CollectionOutcome: Sendable {
    /// The name in the file.
    public var name: String
    /// Rows of the file, including ``rejected`` ones; for a check of a database alone, the server's estimate of
    /// documents.
    public var read = 0
    /// Documents that the database did not have; in a replace, all that were loaded.
    public var inserted = 0
    /// Documents that differed from the file and were replaced by the file's.
    public var updated = 0
    /// Documents that were left unchanged: equal ones, and in an insert all whose `_id` already existed.
    public var unchanged = 0
    /// Former documents that a replace removed, by the server's estimate; 0 in other modes.
    public var deleted = 0
    /// Rows that could not be taken, and documents that the server refused.
    public var rejected = 0
    /// Seconds spent reading or writing the documents, in a replace also building indexes; 0 if not measured, as in a
    /// check.
    public var seconds = 0.0

    public init(name: String) { self.name = name }

    /// The number of documents whose outcome is known.
    var settled: Int { inserted + updated + unchanged + rejected }

    /// Without the documents that were only read, as the outcome of a load that was stopped.
    var ofSettled: CollectionOutcome {
        var outcome = self
        outcome.read = settled
        return outcome
    }

    static func += (left: inout CollectionOutcome, right: CollectionOutcome) {
        left.read += right.read
        left.inserted += right.inserted
        left.updated += right.updated
        left.unchanged += right.unchanged
        left.deleted += right.deleted
        left.rejected += right.rejected
    }
}
