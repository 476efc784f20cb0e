import BSON
import Relations

/// References that are checked while their documents are read or written for another purpose, so that they need not be
/// read again.
struct ReferencesUnderWay: Sendable {
    let check: ReferenceCheck
    let references: [Reference]
    /// The database's names of the collections that exist or will exist.
    let live: Set<ExactName>

    /// Creates a tally for one thread.
    /// - Parameter collection: the collection's name in the file.
    /// - Returns: nil if the collection has no references.
    func tally(of collection: String) -> ReferenceTally? {
        ReferenceTally(check, references, from: collection, live: live)
    }
}
