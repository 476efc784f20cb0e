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
    private static let mostQueries = 40
    /// How often the whole collection may be read for paths that no document has. Rows whose names are data may have
    /// thousands of such paths.
    private static let mostScans = 3

    /// Lets the observer see such documents. Paths that none has cost a single scan together, up to ``pathsAtOnce``.
    /// - Returns: whether all paths were looked for.
    /// - Throws: ``MongoError``; `CancellationError`.
    func look(_ client: Client, _ observer: inout TypeObserver) throws -> Bool {
        let all = observer.unseen.filter(\.isAskable)
        var waiting = stride(from: 0, to: all.count, by: Self.pathsAtOnce).map {
            Array(all[$0..<min($0 + Self.pathsAtOnce, all.count)])
        }
        var (queries, scans) = (0, 0)
        while let paths = waiting.popLast() {
            let before = Set(observer.unseen)
            let asked = paths.filter(before.contains)
            guard !asked.isEmpty else { continue }
            guard queries < Self.mostQueries, scans < Self.mostScans else { return false }
            try cancellation.check()
            queries += 1
            let hasSeenAll = try ask(asked, client, &observer)
            let isNew = observer.unseen.count < before.count
            if hasSeenAll {
                if !isNew { scans += 1 }
            } else if isNew {
                waiting.append(asked)
            } else if asked.count > 1 {
                // Very many documents have one of the paths inside arrays, where the rows do not, and hide the others.
                waiting.append(Array(asked[..<(asked.count / 2)]))
                waiting.append(Array(asked[(asked.count / 2)...]))
            }
        }
        return true
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
            func has(_ types: [Value]) -> Value {
                .document(Document { $0.append(path.filterField, ["$type": .array(types)]) })
            }
            // A type is that of the value or of an element, and `array` that of the value alone.
            guard path.steps.last == .elements else { return has(valueTypes + ["array"]) }
            return ["$and": [has(valueTypes), has(["array"])]]
        }
        return ["$or": .array(alternatives)]
    }

    /// All but `null` and `undefined`, which tell no type, and `array`.
    private static let valueTypes: [Value] = [
        "double", "string", "object", "binData", "objectId", "bool", "date", "regex", "dbPointer", "javascript",
        "symbol", "javascriptWithScope", "int", "timestamp", "long", "decimal", "minKey", "maxKey",
    ]
}
