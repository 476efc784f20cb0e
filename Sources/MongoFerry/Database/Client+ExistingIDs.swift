import BSON
import MongoDriver

extension Client {
    /// The number of `_id`s per query.
    private static let idsPerQuery = 20_000

    /// Returns those of `ids` that are `_id`s of documents in a collection.
    /// - Throws: ``MongoError``.
    func existing(_ ids: [Value], in namespace: Namespace) throws -> Set<Value> {
        var found: Set<Value> = []
        for start in stride(from: 0, to: ids.count, by: Self.idsPerQuery) {
            let part = ids[start..<min(start + Self.idsPerQuery, ids.count)]
            let options = FindOptions(projection: ["_id": 1])
            try forEachFound(by: part, in: namespace, options: options) {
                [["_id": ["$in": .array(Array($0))]]]
            } _: {
                if let id = $0.first { found.insert(id.copy) }
            }
        }
        return found
    }
}
