import BSON
import MongoDriver
import Relations

/// Finds out which of a batch's documents exist.
extension DocumentWriter {
    private func keyIsIndexed(_ key: DocumentKey) throws -> Bool {
        if let hasKeyIndex { return hasKeyIndex }
        var isIndexed = false
        do {
            isIndexed = key.isIndexed(by: try client.listIndexes(of: namespace, readPreference: .primary))
        } catch let error as MongoError where error.isUnauthorized {
            // A user who may not list indexes may still read.
        }
        hasKeyIndex = isIndexed
        return isIndexed
    }

    struct Lookup {
        /// A document of the batch that exists with other contents. Of the existing one, only what its replacement
        /// needs is kept: both could be 16 MB.
        struct Changed {
            let index: Int
            /// `{_id: …}`, byte for byte.
            let liveID: Document
            let liveHasRepeatedNames: Bool
        }

        var missing: [Int] = []
        var changed: [Changed] = []
    }

    /// Asks the server which of the batch's documents it has.
    ///
    /// With other keys than `_id`, documents are compared without their `_id`s: a live document keeps its own, which
    /// cannot be changed.
    /// - Parameter onDifferent: called with a document of the batch and the one that exists in its place.
    func lookUp(
        _ key: DocumentKey, idOnly: Bool, onDifferent: (RawDocument, _ live: RawDocument) throws -> Void = { _, _ in }
    ) throws -> Lookup {
        var byHash: [UInt64: [Int]] = [:]
        var result = Lookup()
        var asked: [RawDocument] = []
        for index in batch.indices {
            let document = try document(index)
            guard let hash = key.hash(document) else {
                try reject(
                    index, "it has no value for \(key.names.joined(separator: ", ")), by which the merge finds it")
                continue
            }
            byHash[hash, default: []].append(index)
            asked.append(document)
        }
        guard !asked.isEmpty else { return result }
        // One more than can come, so that the server knows with the first reply that it is the last.
        let options = FindOptions(
            projection: idOnly ? ["_id": 1] : nil, batchSize: asked.count + 1, readConcern: majorityReadConcern)
        // With other keys than _id, several live documents may match one of the batch. The hash of the first one's _id.
        var found: [UInt64: UInt64] = [:]
        var (equal, ambiguous): (Set<Int>, Set<Int>) = ([], [])
        try client.forEachFound(by: asked[...], in: namespace, options: options) {
            [try key.filter(Array($0)) { try keyIsIndexed(key) }]
        } _: { live in
            guard let hash = key.hash(live), let indexes = byHash[hash] else { return }
            let id = live.first.map(IDHash.hash) ?? 0
            // Two parts of a query may find the same document if, by a collation, it matches one in each.
            guard found[hash] != id else { return }
            let isFirst = found[hash] == nil
            if isFirst {
                found[hash] = id
                matched += indexes.count
            }
            for index in indexes where !idOnly {
                let document = try document(index)
                if try sameBytes(document.bytes, live.bytes)
                    || !key.isID && Self.withoutID(document) == Self.withoutID(live)
                {
                    equal.insert(index)
                } else if !isFirst {
                    ambiguous.insert(index)
                } else {
                    try onDifferent(document, live)
                    guard let id = live.first else { continue }
                    result.changed.append(
                        Lookup.Changed(
                            index: index, liveID: Document { $0.append(copying: id) },
                            liveHasRepeatedNames: live.hasRepeatedNames))
                }
            }
        }
        outcome.unchanged += equal.count
        result.changed.removeAll { equal.contains($0.index) }
        // Only a person can tell which of them is meant.
        for change in result.changed where ambiguous.contains(change.index) {
            try reject(
                change.index,
                "several documents of the database have its \(key.names.joined(separator: ", ")), by which the merge finds it"
            )
        }
        result.changed.removeAll { ambiguous.contains($0.index) }
        result.missing += byHash.filter { found[$0.key] == nil }.values.joined()
        result.missing.sort()
        return result
    }
}
