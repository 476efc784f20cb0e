import BSON
import BackupFile
import MongoDriver
import Relations

/// Why a document was not written.
struct RefusalReason: Sendable {
    let text: String
    /// Whether the collection's validator refuses the document.
    let isOfValidator: Bool

    init(_ text: String) {
        self.text = text
        isOfValidator = false
    }

    init(_ error: WriteError) {
        text = Self.text(error)
        isOfValidator = error.isDocumentValidationFailure
    }

    private static func text(_ error: WriteError) -> String {
        if error.isDuplicateKey { return "the value is taken in a unique index: \(error.message)" }
        if error.isDocumentValidationFailure {
            let details = error.details.map { ": \(JSONText.document($0).excerpt(300))" } ?? ""
            return "the collection's validator refuses it\(details)"
        }
        // The document that was queried by its _id has another one.
        if error.isForOtherID {
            return "the server takes its _id for that of another document, as a collation can: \(error.message)"
        }
        // Code 0: it was not sent at all.
        return error.code == 0 ? error.message : "\(error.message) (code \(error.code))"
    }
}
