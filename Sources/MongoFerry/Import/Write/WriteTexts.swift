import BSON
import MongoDriver

/// Why a server refused a document.
enum WriteErrorText {
    static func text(_ error: WriteError) -> String {
        if error.isDuplicateKey { return "the value is taken in a unique index: \(error.message)" }
        if error.isDocumentValidationFailure {
            let details = error.details.map { ": \(JSONDetail.short($0))" } ?? ""
            return "the collection's validator refuses it\(details)"
        }
        // Code 0: it was not sent at all.
        return error.code == 0 ? error.message : "\(error.message) (code \(error.code))"
    }
}

enum JSONDetail {
    static func short(_ document: Document) -> String {
        let text = IDText.text(.document(document))
        return text.count <= 300 ? text : text.prefix(299) + "…"
    }
}

extension Document {
    /// This document's elements, then the other's.
    func joined(_ other: Document) -> Document {
        var builder = DocumentBuilder(copying: self)
        other.withRaw { raw in
            var walker = raw.makeWalker()
            while let element = try? walker.next() { builder.append(copying: element) }
        }
        return builder.finish()
    }
}
