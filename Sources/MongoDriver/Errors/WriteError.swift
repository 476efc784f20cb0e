import BSON

/// One operation of a bulk write that the server refused or, if it was not sent, would have refused.
public struct WriteError: Sendable {
    /// The position of the operation, in the order of adding.
    public private(set) var index: Int
    /// The server's code, or 0 if this module refused the operation without one.
    public let code: Int
    public let message: String
    /// The keys of the violated unique index.
    public let keyPattern: Document?
    /// The key values that exist already.
    public let keyValue: Document?
    /// The collation of that index, if it has one; then ``keyValue`` holds the collation's form of strings.
    public let collation: Document?
    /// The server's `errInfo`: which rule of a validator was violated.
    public let details: Document?

    public var isDuplicateKey: Bool { Set<ServerCode>.duplicateKey.contains(code) }
    /// A name begins with `$` where that is not allowed. Servers before 5.0 insert documents with such nested names but
    /// refuse to replace by them, or by a document that begins like a DBRef but is none.
    public var isDollarName: Bool { Set<ServerCode>.dollarPrefixedName.contains(code) }
    /// It was written in a transaction, which capped collections do not support.
    public var isOfTransaction: Bool { Set<ServerCode>.ofTransaction.contains(code) }
    /// The server's cache had no room for a large document besides its other contents; it may have later.
    public var isForLackOfCache: Bool { code == ServerCode.transactionTooLargeForCache.rawValue }
    /// False for what stops a whole batch: a broken connection, an election, missing rights, a full disk, a drop of the
    /// collection or database.
    public var isAboutOneDocument: Bool { !Set<ServerCode>.notAboutOneDocument.contains(code) }
    /// The same as an error of the whole batch, which it stopped.
    public func failure(of context: MongoError.Context) -> MongoError {
        MongoError(domain: .server, code: code, message: message, context: context)
    }
    /// The same error for the operation with this index in another bulk write.
    public func at(_ index: Int) -> WriteError {
        var moved = self
        moved.index = index
        return moved
    }

    /// An update would have changed the `_id` of the document that its filter matched.
    public var isForOtherID: Bool { code == ServerCode.immutableField.rawValue && message.contains("'_id'") }
    /// The collection's validator refused it.
    public var isDocumentValidationFailure: Bool { code == ServerCode.documentValidationFailure.rawValue }

    init(index: Int, code: Int, message: String) {
        self.index = index
        self.code = code
        self.message = message
        keyPattern = nil
        keyValue = nil
        collation = nil
        details = nil
    }

    /// The errors in a reply's `writeErrors`.
    /// - Parameters:
    ///   - count: the number of operations sent.
    ///   - offset: the index of the first of them.
    /// - Throws: ``MongoError`` if the server names an operation that was not sent.
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
