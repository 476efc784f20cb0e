import BSON
import MongoDriver

/// Which documents hold the values for which others were refused.
extension SecondAttempt {
    /// Separates documents whose value is held by one of them, which may give it up, from those whose value stays
    /// taken.
    func cycle(_ failures: [Failure]) throws -> (inside: [Failure], outside: [Failure]) {
        let indexes = try indexes(failures)
        var inside: [(failure: Failure, holders: [UInt64]?)] = try failures.map { failure in
            try cancellation.check()
            return (failure, try holders(failure, indexes))
        }
        var outside: [Failure] = []
        while true {
            let ids = Set(inside.compactMap { $0.failure.postponed.document.withRaw { $0.first.map(IDHash.hash) } })
            let staysTaken = { (holders: [UInt64]?) in holders.map { !$0.contains(where: ids.contains) } ?? false }
            let leaving = inside.filter { staysTaken($0.holders) }
            if leaving.isEmpty { return (inside.map { $0.failure }, outside) }
            outside += leaving.map { $0.failure }
            inside.removeAll { staysTaken($0.holders) }
        }
    }

    /// The limit of the query for holders: if this many documents have a value, though only one of them is in the
    /// index, the holders count as unknown.
    private static let holderLimit = 100

    /// The collection's unique indexes, if they can be listed and any are needed.
    private func indexes(_ failures: [Failure]) throws -> [Document] {
        guard failures.contains(where: { $0.error?.keyPattern != nil }) else { return [] }
        do {
            return try client.listIndexes(of: namespace, readPreference: .primary).filter { $0["unique"]?.isOn == true }
        } catch let error as MongoError where error.isUnauthorized { return [] }
    }

    /// The condition for a document to be in the violated index, without which a server does not use a partial index;
    /// nil if unknown.
    private static func partialFilter(_ error: WriteError, _ indexes: [Document]) -> Document? {
        let violated = indexes.filter {
            $0["key"]?.document == error.keyPattern && ($0["collation"] == nil) == (error.collation == nil)
        }
        return violated.count == 1 ? violated[0]["partialFilterExpression"]?.document : nil
    }

    /// Finds the documents that have the values for which another one was refused. Only one of them is in the index: a
    /// partial index does not have all of a collection.
    /// - Returns: the hashes of their `_id`s; nil if they cannot be determined.
    private func holders(_ failure: Failure, _ indexes: [Document]) throws -> [UInt64]? {
        guard let error = failure.error, let pattern = error.keyPattern, let values = error.keyValue else { return nil }
        var filter: Document = [:]
        for name in pattern.keys {
            // With a collation, the server does not report the values but what it has made of them.
            let own = failure.postponed.document[name] ?? (name.contains(".") ? nil : .null)
            guard let value = error.collation == nil ? values[name] : own else { return nil }
            filter = filter.appending(name, .document(["$eq": value]))
        }
        guard !filter.isEmpty else { return nil }
        if let partial = Self.partialFilter(error, indexes) {
            filter = ["$and": [.document(filter), .document(partial)]]
        }
        let options = FindOptions(
            projection: ["_id": 1], limit: Self.holderLimit, collation: error.collation ?? ["locale": "simple"],
            readPreference: .primary)
        var holders: [UInt64] = []
        do {
            try client.find(namespace, filter, options: options).forEach { document in
                if let id = document.first { holders.append(IDHash.hash(id)) }
            }
        } catch let error as MongoError where error.isRefusal && !error.isServerTrouble {
            // Values that an index has and no filter accepts, such as undefined.
            return nil
        }
        return holders.isEmpty || holders.count == Self.holderLimit ? nil : holders
    }
}
