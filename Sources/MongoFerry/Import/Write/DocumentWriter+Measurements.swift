import BSON
import MongoDriver
import Relations

/// Measurements of time series, which have no `_id` to go by.
extension DocumentWriter {
    /// Measurements have no `_id` to be known by: one is there if all its fields are, in whatever order, since the
    /// server's buckets keep none. Of several that are equal, in whatever batches, as many are there as the database
    /// has.
    func missingMeasurements(_ fields: MeasurementFields) throws -> [Int] {
        var byFields: [Document: [Int]] = [:]
        var times: [Value] = []
        for index in pending.indices {
            let document = try document(index)
            byFields[fields.sorted(document), default: []].append(index)
            if let time = document[fields.time]?.copy { times.append(time) }
        }
        // Between early times there may be any number of others: most are told by this alone.
        let wanted = Set(times)
        // About as much comes at a time as the batch itself has.
        let options = FindOptions(
            batchSize: max(pending.count + 1, 1000), readConcern: committedReads)
        var live: [Document: Int] = [:]
        for filter in fields.filters(times) {
            let cursor = try client.find(namespace, filter, options: options)
            try cursor.forEach { document in
                guard let time = document[fields.time]?.copy, wanted.contains(time) else { return }
                let measurement = fields.sorted(document)
                if byFields[measurement] != nil { live[measurement, default: 0] += 1 }
            }
        }
        var missing: [Int] = []
        for (measurement, indexes) in byFields {
            let (wanted, there) = (indexes.count, live[measurement] ?? 0)
            let found = repeated?.take(wanted, of: measurement, live: there) ?? min(wanted, there)
            matched += found
            missing += indexes.dropFirst(found)
        }
        return missing.sorted()
    }

    /// By a command of our own: libmongoc's bulk insert would give an `_id` to measurements that have none.
    func insertMeasurements(_ indexes: [Int]) throws {
        guard !indexes.isEmpty else { return }
        if isDryRun {
            outcome.inserted += indexes.count
            return
        }
        let documents = try Document { list in
            for (place, index) in indexes.enumerated() { list.append(String(place), copying: try document(index)) }
        }
        let reply: Document
        do {
            reply = try client.runWriteStatements(
                ["insert": .string(namespace.collection), "ordered": false, "documents": .array(documents)],
                on: namespace.database)
        } catch let error as MongoError where error.isInvalidBSON {
            return try findInvalid(among: indexes, isOneCommand: true, error, insertMeasurements)
        }
        let errors = try reply.withRaw { try WriteError.all(in: $0, of: indexes.count) }
        if let error = errors.first(where: { !$0.isAboutOneDocument }) {
            throw error.failure(of: "inserting into \(namespace)")
        }
        outcome.inserted += indexes.count - errors.count
        var written = Set(indexes)
        for error in errors {
            written.remove(indexes[error.index])
            try reject(indexes[error.index], WriteErrorText.text(error))
        }
        // Later batches find these too.
        if let repeated { for index in written { repeated.noteWritten(try document(index)) } }
    }
}
