import BSON

/// A batch that was written but not acknowledged by the requested number of members.
public struct WriteConcernError: Sendable {
    public let code: Int
    public let codeName: String?
    public let message: String
    public let details: Document?

    /// Somebody, or the server itself, ended the wait for other members.
    public var isInterrupted: Bool { code == ServerCode.interrupted.rawValue }

    init(_ entry: RawDocument) {
        code = Int(entry["code"]?.integer ?? 0)
        codeName = entry["codeName"]?.string
        message = entry["errmsg"]?.string ?? ""
        details = entry["errInfo"]?.document.map(Document.init(copying:))
    }
}
