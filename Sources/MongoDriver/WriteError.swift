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
    /// False for what stops a whole batch: a broken connection, an election, missing rights, a full disk.
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

    /// The collection's validator refused it.
    public var isDocumentValidationFailure: Bool { code == 121 }

    init(index: Int, code: Int, message: String) {
        self.index = index
        self.code = code
        self.message = message
        keyPattern = nil
        keyValue = nil
        collation = nil
        details = nil
    }

    /// - Parameters:
    ///   - entry: an element of a reply's `writeErrors`.
    ///   - offset: what the batch's first operation has as its index.
    public init(_ entry: RawDocument, offset: Int = 0) {
        index = offset + Int(entry["index"]?.integer ?? 0)
        code = Int(entry["code"]?.integer ?? 0)
        message = entry["errmsg"]?.string ?? ""
        keyPattern = entry["keyPattern"]?.document.map(Document.init(copying:))
        keyValue = entry["keyValue"]?.document.map(Document.init(copying:))
        collation = entry["collation"]?.document.map(Document.init(copying:))
        details = entry["errInfo"]?.document.map(Document.init(copying:))
    }
}
