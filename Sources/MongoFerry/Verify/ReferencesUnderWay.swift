import BSON
import Relations

/// References that are checked while their documents are read or written for something else, which saves reading them
/// again.
struct ReferencesUnderWay: Sendable {
    let check: ReferenceCheck
    let references: [Reference]
    /// Names in the database of the collections that are there, or will be.
    let live: Set<ExactName>

    /// A tally for one thread.
    /// - Parameter collection: its name in the file.
    /// - Returns: nil where no reference starts in the collection.
    func tally(of collection: String) -> ReferenceTally? {
        ReferenceTally(check, references, from: collection, live: live)
    }
}
