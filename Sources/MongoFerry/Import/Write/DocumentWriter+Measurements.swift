import BSON
import MongoDriver

/// Writes measurements of time series, whose `_id`s do not identify them.
extension DocumentWriter {
    /// Uses commands of its own: libmongoc's bulk insert would add an `_id` to measurements that have none.
    func insertMeasurements(_ indexes: [Int]) throws {
        // A server (6.0.5) that cannot store a large one fails the whole command, after it has written some of the
        // others.
        let alone = try indexes.filter { try document($0).bytes.count > Self.largest }
        // In an unordered command, it writes the current time if a measurement's meta field is an empty timestamp.
        let inOrder = try indexes.filter {
            let document = try document($0)
            return document.bytes.count <= Self.largest && document.hasEmptyTimestamp
        }
        let special = Set(alone + inOrder)
        try sendMeasurements(special.isEmpty ? indexes : indexes.filter { !special.contains($0) }, isOrdered: false)
        try sendMeasurements(inOrder, isOrdered: true)
        for index in alone { try sendMeasurements([index], isOrdered: true) }
    }

    /// The most bytes of a measurement that is sent with others: a server's bucket takes up to three times the bytes of
    /// its measurements, has ten of them whatever their size, and takes at most 16 MiB.
    private static let largest = 400 << 10

    private func sendMeasurements(_ indexes: [Int], isOrdered: Bool) throws {
        var rest = indexes
        var refused: [Int] = []
        while !rest.isEmpty {
            let documents = try Document { list in
                for (place, index) in rest.enumerated() { list.append(String(place), copying: try document(index)) }
            }
            let reply: Document
            try target.lock?.check()
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
            // What follows a refused one in an ordered command was not processed.
            let end = isOrdered ? errors.first.map { $0.index + 1 } ?? rest.count : rest.count
            outcome.inserted += end - errors.count
            if let error = errors.first(where: { !$0.isAboutOneDocument }) {
                throw error.failure(of: "inserting into \(namespace)")
            }
            var written = Set(rest[..<end])
            for error in errors {
                let index = rest[error.index]
                written.remove(index)
                if rest.count > 1 { refused.append(index) } else { try reject(index, RefusalReason(error)) }
            }
            // Later batches find these in the database.
            if let repeated = target.repeated { for index in written { repeated.noteWritten(try document(index)) } }
            rest.removeFirst(end)
        }
        // With one that a server rejects, it rejects all that would have gone into the same bucket.
        try target.cancellation.check()
        let middle = refused.count / 2
        for half in [refused[..<middle], refused[middle...]] where !half.isEmpty {
            try sendMeasurements(Array(half), isOrdered: isOrdered)
        }
    }
}
