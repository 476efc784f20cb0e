import BSON
import MongoDriver
import Relations

/// Looks for live documents that have what the rows of a file have and a sample of the documents lacks: without their
/// types, what the rows have there would be guessed.
struct UnseenPaths {
    let sample: DocumentSample
    let cancellation: Cancellation

    /// The documents per query. What a sample of thousands lacks, few documents have.
    private static let documentsAtOnce = 500
    /// The paths per query: for each, the server looks at every document.
    private static let pathsAtOnce = 200
    /// Rows whose names are data may have thousands of paths.
    private static let mostQueries = 20

    /// Lets the observer see such documents. Paths that none has cost a single scan together.
    /// - Throws: ``MongoError``; `CancellationError`.
    func look(_ client: Client, _ observer: inout TypeObserver) throws {
        var settled: Set<FieldPath> = []
        for _ in 0..<Self.mostQueries {
            try cancellation.check()
            let unseen = observer.unseen
            let asked = Array(unseen.filter { $0.isAskable && !settled.contains($0) }.prefix(Self.pathsAtOnce))
            guard !asked.isEmpty else { return }
            let hasSeenAll = try ask(asked, client, &observer)
            // If documents came and none had anything new, they have it inside arrays, where the rows do not.
            if hasSeenAll || observer.unseen.count == unseen.count { settled.formUnion(asked) }
        }
    }

    /// - Returns: whether there are no other such documents.
    private func ask(_ paths: [FieldPath], _ client: Client, _ observer: inout TypeObserver) throws -> Bool {
        let options = FindOptions(
            projection: FieldPath.projection(of: paths), limit: Self.documentsAtOnce,
            batchSize: sample.batch(Self.documentsAtOnce))
        let cursor = try client.find(sample.namespace, Self.filter(paths), options: options)
        defer { cursor.close() }
        var (came, bytes) = (0, 0)
        while bytes < DocumentSample.maximumBytes {
            let isThere = try cursor.next { document in
                came += 1
                bytes += document.bytes.count
                try observer.add(document)
            }
            if !isThere { return came < Self.documentsAtOnce }
        }
        return false
    }

    private static func filter(_ paths: [FieldPath]) -> Document {
        let alternatives = paths.map { path -> Value in
            // Of the elements of an array, the array itself tells nothing.
            let types = path.steps.last == .elements ? valueTypes : valueTypes + ["array"]
            return .document(Document { $0.append(path.filterField, ["$type": .array(types)]) })
        }
        return ["$or": .array(alternatives)]
    }

    /// All but `null` and `undefined`, which tell no type, and `array`.
    private static let valueTypes: [Value] = [
        "double", "string", "object", "binData", "objectId", "bool", "date", "regex", "dbPointer", "javascript",
        "symbol", "javascriptWithScope", "int", "timestamp", "long", "decimal", "minKey", "maxKey",
    ]
}
