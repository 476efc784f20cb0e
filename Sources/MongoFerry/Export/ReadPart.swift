import BSON
import MongoDriver

/// Documents of one collection that one cursor reads: all of them, those of a query, or a range.
struct ReadPart: Sendable {
    /// Place among the collections of the export.
    let collection: Int
    let namespace: Namespace
    let filter: Document
    let options: FindOptions
    /// Whether it may hold a huge document, by its size, and is not one of many ranges.
    let isLarge: Bool
}
