import BSON
import MongoDriver
import Relations

/// What the database has of a batch.
struct BatchLookup {
    /// A document of the batch that exists with other contents. Of the existing one, only what its replacement
    /// needs is kept: both could be 16 MB.
    struct Changed {
        let index: Int
        /// `{_id: …}`, byte for byte.
        let liveID: Document
        let liveHasRepeatedNames: Bool
    }

    /// Sorted.
    var missing: [Int] = []
    var changed: [Changed] = []
}

/// Finds out which of a batch's documents exist.
extension DocumentSink {
    /// The batch's documents of which the database has none with that `_id`.
    func missingIDs() throws -> [Int] { try lookUp(try DocumentKey(["_id"]), idOnly: true).missing }

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

    /// Asks the server which of the batch's documents it has.
    ///
    /// With other keys than `_id`, documents are compared without their `_id`s: a live document keeps its own, which
    /// cannot be changed.
    /// - Parameters:
    ///   - indexes: those of the batch's documents to ask for; nil for all.
    ///   - onDifferent: called with a document of the batch and the one that exists in its place.
    func lookUp(
        _ key: DocumentKey, idOnly: Bool, of indexes: [Int]? = nil,
        onDifferent: (RawDocument, _ live: RawDocument) throws -> Void = { _, _ in }
    ) throws -> BatchLookup {
        var search = BatchSearch(key)
        var asked: [RawDocument] = []
        for index in indexes ?? Array(batch.indices) {
            let document = try document(index)
            if search.add(document, index) {
                asked.append(document)
            } else {
                try reject(
                    index, "it has no value for \(key.names.joined(separator: ", ")), by which the merge finds it")
            }
        }
        guard !asked.isEmpty else { return BatchLookup() }
        let options = FindOptions(
            projection: idOnly ? ["_id": 1] : nil, readConcern: target.connection.majorityReadConcern)
        try client.forEachFound(by: asked[...], in: namespace, options: options) {
            [try key.filter(Array($0)) { try keyIsIndexed(key) }]
        } _: { live in
            guard let found = try search.place(of: live, among: document) else { return }
            if found.isFirst { matched += found.indexes.count }
            for index in found.indexes where !idOnly {
                try search.compare(try document(index), index, live, isFirst: found.isFirst, onDifferent)
            }
        }
        outcome.unchanged += search.equal.count
        // Only a person can tell which of them is meant.
        for index in search.ambiguous {
            try reject(
                index,
                "several documents of the database have its \(key.names.joined(separator: ", ")), by which the merge finds it"
            )
        }
        return search.lookup
    }

    /// Finds the measurements that do not exist yet. One exists if all its fields do, in any order, since the server's
    /// buckets keep none. Of several equal ones, in whatever batches, as many exist as the database has.
    func missingMeasurements(_ fields: MeasurementFields) throws -> [Int] {
        var byFields: [Document: [Int]] = [:]
        var wanted: Set<Value> = []
        var metas: Set<Value>? = []
        for index in batch.indices {
            let document = try document(index)
            byFields[fields.sorted(document), default: []].append(index)
            if let time = document[fields.time]?.copy { wanted.insert(time) }
            let meta = fields.meta.flatMap { document[$0]?.copy }
            if let meta { metas?.insert(meta) } else { metas = nil }
        }
        // Each reply has about as many as the batch itself.
        let options = FindOptions(
            batchSize: max(batch.count + 1, 1000), readConcern: target.connection.majorityReadConcern)
        var live: [Document: Int] = [:]
        for question in fields.questions(wanted, metas: metas) {
            let cursor = try client.find(namespace, question.filter, options: options)
            try cursor.forEach { document in
                // A range may contain any number of others; the time alone excludes most of them.
                guard let time = document[fields.time]?.copy, question.times.contains(time) else { return }
                let measurement = fields.sorted(document)
                if byFields[measurement] != nil { live[measurement, default: 0] += 1 }
            }
        }
        var missing: [Int] = []
        for (measurement, indexes) in byFields {
            let (wanted, there) = (indexes.count, live[measurement] ?? 0)
            let found = target.repeated?.take(wanted, of: measurement, live: there) ?? min(wanted, there)
            matched += found
            missing += indexes.dropFirst(found)
        }
        return missing.sorted()
    }
}

extension RawDocument {
    /// A copy of its other fields.
    func withoutID() throws -> Document {
        var builder = DocumentBuilder()
        try forEach { if !$0.keyEquals("_id") { builder.append(copying: $0) } }
        return builder.finish()
    }
}
