import BSON

/// One operation of a bulk write that the server refused, or would have.
public struct WriteError: Sendable {
    /// Which one, counted in the order of adding.
    public private(set) var index: Int
    /// The server's, or 0 where it was not even sent.
    public let code: Int
    public let message: String
    /// The keys of the unique index that was violated.
    public let keyPattern: Document?
    /// The values that are there already.
    public let keyValue: Document?
    /// The collation of that index, where it has one; then ``keyValue`` is what the collation makes of texts.
    public let collation: Document?
    /// The server's `errInfo`: which rule of a validator was not met.
    public let details: Document?

    public var isDuplicateKey: Bool { ServerCode.duplicateKey.contains(code) }
    /// Before 5.0 servers insert documents with such names below the top, and replace none by them; nor by what begins
    /// as a DBRef and is none.
    public var isDollarName: Bool { ServerCode.dollarPrefixedName.contains(code) }
    /// The server's cache had no room for a large document beside what it held: it may have some later.
    public var isForLackOfCache: Bool { code == ServerCode.cacheIsFull }
    /// False for what stops a whole batch: a broken connection, an election, missing rights, a full disk, a drop of its collection or database.
    public var isAboutOneDocument: Bool { !ServerCode.notAboutOneDocument.contains(code) }
    /// As the error of the whole batch, which it has stopped.
    public func failure(of context: String) -> MongoError {
        MongoError(domain: .server, code: code, message: message, context: context)
    }
    /// The same of the operation that has this number in another bulk write.
    public func at(_ index: Int) -> WriteError {
        var moved = self
        moved.index = index
        return moved
    }

    /// An update would have changed the `_id` of what its filter has found.
    public var isForOtherID: Bool { code == ServerCode.immutableField && message.contains("'_id'") }
    /// The collection's validator refused it.
    public var isDocumentValidationFailure: Bool { code == ServerCode.documentValidationFailure }

    init(index: Int, code: Int, message: String) {
        self.index = index
        self.code = code
        self.message = message
        keyPattern = nil
        keyValue = nil
        collation = nil
        details = nil
    }

    /// Those of a reply's `writeErrors`.
    /// - Parameters:
    ///   - count: the operations that were sent.
    ///   - offset: what the first of them has as its index.
    /// - Throws: ``MongoError`` where the server speaks of an operation that was not sent.
    public static func all(in reply: RawDocument, of count: Int, offset: Int = 0) throws -> [WriteError] {
        var errors: [WriteError] = []
        try reply["writeErrors"]?.document?.forEach {
            guard let entry = $0.document else { return }
            let error = WriteError(entry)
            guard (0..<count).contains(error.index) else {
                throw MongoError(
                    driver:
                        "the server refuses operation \(error.index) of \(count), which was not sent: \(error.message)")
            }
            errors.append(error.at(offset + error.index))
        }
        return errors
    }

    /// - Parameter entry: an element of a reply's `writeErrors`.
    public init(_ entry: RawDocument) {
        index = Int(entry["index"]?.integer ?? 0)
        code = Int(entry["code"]?.integer ?? 0)
        message = entry["errmsg"]?.string ?? ""
        keyPattern = entry["keyPattern"]?.document.map(Document.init(copying:))
        keyValue = entry["keyValue"]?.document.map(Document.init(copying:))
        collation = entry["collation"]?.document.map(Document.init(copying:))
        details = entry["errInfo"]?.document.map(Document.init(copying:))
    }
}
