import BSON

/// A batch that was written but not acknowledged by the requested number of members.
public struct WriteConcernError: Sendable {
    public let code: Int
    public let codeName: String?
    public let message: String
    public let details: Document?

    /// The same as an error of the whole batch, which it stops.
    var failure: MongoError { MongoError(domain: .writeConcern, code: code, codeName: codeName, message: message) }

    init(_ entry: RawDocument) {
        code = Int(entry["code"]?.integer ?? 0)
        codeName = entry["codeName"]?.string
        message = entry["errmsg"]?.string ?? ""
        details = entry["errInfo"]?.document.map(Document.init(copying:))
    }
}
