import BSON
import MongoDriver

/// Documents of one collection that one cursor reads: all of them, those of a query, or a range.
struct ReadPart: Sendable {
    /// The collection's index in the export.
    let collection: Int
    let namespace: Namespace
    let filter: Document
    let options: FindOptions
    /// Whether the part may hold huge documents, judging by its size. A range of a collection that was cut never counts
    /// as large.
    let isLarge: Bool
}

extension [ReadPart] {
    /// How many there are of each collection.
    /// - Parameter collections: the number of collections.
    func counts(of collections: Int) -> [Int] {
        reduce(into: Array<Int>(repeating: 0, count: collections)) { $0[$1.collection] += 1 }
    }
}
