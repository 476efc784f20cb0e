import BSON
import MongoDriver

extension Client {
    /// Inserts a test's documents.
    /// - Throws: ``NotInserted`` if the server has refused one: a test would find less than it looks for.
    package func insertAll(_ documents: some Sequence<Document>, into namespace: Namespace) throws {
        let result = try tryInsert(documents, into: namespace)
        guard result.writeErrors.isEmpty, result.writeConcernErrors.isEmpty else {
            throw NotInserted(collection: namespace.collection, result: result)
        }
    }

    /// For documents that the server may refuse.
    package func tryInsert(
        _ documents: some Sequence<Document>, into namespace: Namespace
    ) throws -> BulkWriteResult {
        let bulk = try bulkWrite(to: namespace)
        for document in documents { try document.withRaw(bulk.insert) }
        return try bulk.execute()
    }
}

/// What a test was to find is not there, or not all of it.
package struct NotInserted: Error, CustomStringConvertible {
    let collection: String
    let result: BulkWriteResult

    package var description: String {
        let refused = result.writeErrors.prefix(3).map { "document \($0.index): \($0.message)" }
        let unmet = result.writeConcernErrors.map(\.message)
        return "\(result.inserted) documents were inserted into \(collection), \(result.writeErrors.count) refused: "
            + (refused + unmet).joined(separator: "; ")
    }
}
