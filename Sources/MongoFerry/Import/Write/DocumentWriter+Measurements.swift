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
        var wanted: Set<Value> = []
        var metas: Set<Value>? = []
        for index in batch.indices {
            let document = try document(index)
            byFields[fields.sorted(document), default: []].append(index)
            if let time = document[fields.time]?.copy { wanted.insert(time) }
            let meta = fields.meta.flatMap { document[$0]?.copy }
            if let meta { metas?.insert(meta) } else { metas = nil }
        }
        // About as much comes at a time as the batch itself has.
        let options = FindOptions(
            batchSize: max(batch.count + 1, 1000), readConcern: committedReads)
        var live: [Document: Int] = [:]
        for question in fields.questions(wanted, metas: metas) {
            let cursor = try client.find(namespace, question.filter, options: options)
            try cursor.forEach { document in
                // In a range there may be any number of others: most are told by this alone.
                guard let time = document[fields.time]?.copy, question.times.contains(time) else { return }
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

    /// By commands of our own: libmongoc's bulk insert would give an `_id` to measurements that have none.
    func insertMeasurements(_ indexes: [Int]) throws {
        if isDryRun {
            outcome.inserted += indexes.count
            return
        }
        // A server (6.0.5) that cannot store a large one fails the whole command, and has written some of the others.
        let alone = try indexes.filter { try document($0).bytes.count > Self.largest }
        // In an unordered command it writes the current time where a measurement's meta field is an empty timestamp.
        let inOrder = try indexes.filter {
            let document = try document($0)
            return document.bytes.count <= Self.largest && document.hasEmptyTimestamp
        }
        let special = Set(alone + inOrder)
        try sendMeasurements(special.isEmpty ? indexes : indexes.filter { !special.contains($0) }, isOrdered: false)
        try sendMeasurements(inOrder, isOrdered: true)
        for index in alone { try sendMeasurements([index], isOrdered: true) }
    }

    /// Bytes of a measurement that goes with others: a server's bucket takes up to three times those of its measurements, has
    /// ten of them whatever their size, and at most 16 MiB.
    private static let largest = 400 << 10

    private func sendMeasurements(_ indexes: [Int], isOrdered: Bool) throws {
        var rest = indexes
        var refused: [Int] = []
        while !rest.isEmpty {
            let documents = try Document { list in
                for (place, index) in rest.enumerated() { list.append(String(place), copying: try document(index)) }
            }
            let reply: Document
            try checkMayWrite()
            do {
                reply = try client.runWriteStatements(
                    [
                        "insert": .string(namespace.collection), "ordered": .bool(isOrdered),
                        "documents": .array(documents),
                    ],
                    on: namespace.database)
            } catch let error as MongoError where error.isInvalidBSON || error.isTooLargeToStore && rest.count == 1 {
                try findInvalid(among: rest, error) {
                    try sendMeasurements($0, isOrdered: isOrdered)
                }
                break
            }
            let errors = try reply.withRaw { try WriteError.all(in: $0, of: rest.count) }
            if let error = errors.first(where: { !$0.isAboutOneDocument }) {
                throw error.failure(of: "inserting into \(namespace)")
            }
            // What comes after a refused one in an ordered command was not looked at.
            let end = isOrdered ? errors.first.map { $0.index + 1 } ?? rest.count : rest.count
            outcome.inserted += end - errors.count
            var written = Set(rest[..<end])
            for error in errors {
                let index = rest[error.index]
                written.remove(index)
                if rest.count > 1 { refused.append(index) } else { try reject(index, WriteErrorText.text(error)) }
            }
            // Later batches find these too.
            if let repeated { for index in written { repeated.noteWritten(try document(index)) } }
            rest.removeFirst(end)
        }
        // With one that a server does not take it refuses all that would have come into the same bucket.
        try cancellation.check()
        let middle = refused.count / 2
        for half in [refused[..<middle], refused[middle...]] where !half.isEmpty {
            try sendMeasurements(Array(half), isOrdered: isOrdered)
        }
    }
}
