import BSON
import BackupFile
import Relations

/// Finds code that a server would run on writes or reads.
enum ServerSideCode {
    private static let operators: Set<String> = ["$where", "$function", "$accumulator"]

    /// The code in a view's pipeline, a validator, or a partial index.
    static func found(in entry: BackupMetadata.Collection) -> [String] {
        var result: [String] = []
        for document in [entry.options] + entry.indexes { document.withRaw { search($0, &result) } }
        return result
    }

    private static func search(_ document: RawDocument, _ result: inout [String]) {
        var walker = document.makeWalker()
        while let element = try? walker.next() {
            if operators.contains(element.name) || element.type == .code || element.type == .codeWithScope {
                result.append("\(element.name): \(JSONText.value(element.copy).excerpt(200))")
            } else if let inner = element.document {
                search(inner, &result)
            }
        }
    }
}
