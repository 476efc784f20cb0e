import BSON

/// One entry of `listCollections`.
public struct CollectionInfo: Sendable {
    public enum Kind: Hashable, Sendable {
        case collection
        case view
        case timeseries
        /// A type that a newer server may add.
        case other(String)
    }

    public let name: String
    /// False if the name is not valid UTF-8, which servers allow: then ``name`` is repaired, and no command can use it.
    public let hasExactName: Bool
    public let kind: Kind
    /// As the server returns them, byte for byte: validator, collation, view definition and so on.
    public let options: Document
    /// `readOnly`, and the `uuid` unless it is a view.
    public let info: Document
    /// False if the user may see only names and types; then ``options`` and ``info`` are empty.
    public let hasDetails: Bool

    init(_ entry: RawDocument, hasDetails: Bool) throws {
        guard let element = entry["name"], let name = element.string, let bytes = element.stringBytes else {
            throw MongoError(driver: "listCollections answered with an entry without a name")
        }
        self.name = name
        hasExactName = String(validating: bytes, as: UTF8.self) != nil
        kind =
            switch entry["type"]?.string {
            case nil, "collection": .collection
            case "view": .view
            case "timeseries": .timeseries
            case .some(let other): .other(other)
            }
        options = entry["options"]?.document.map(Document.init(copying:)) ?? Document()
        info = entry["info"]?.document.map(Document.init(copying:)) ?? Document()
        self.hasDetails = hasDetails
    }
}
