/// A BSON document that owns its bytes.
///
/// Two documents are equal if their bytes are: order, types and repeated names count.
public struct Document: Hashable, Sendable {
    public let bytes: [UInt8]

    /// The empty document.
    public init() { bytes = [5, 0, 0, 0, 0] }

    /// Copies a document that somebody else owns.
    public init(copying raw: RawDocument) { bytes = [UInt8](raw.bytes) }

    /// Validates bytes from outside at every depth.
    /// - Throws: ``BSONError`` saying what is wrong and at which byte.
    public init(validating bytes: [UInt8]) throws(BSONError) {
        if let error = bytes.withUnsafeBytes({ BSONValidator.firstFault(in: $0) }) { throw error }
        self.bytes = bytes
    }

    /// Wraps bytes that a builder of this module made.
    init(trusted bytes: [UInt8]) { self.bytes = bytes }

    public var isEmpty: Bool { bytes.count <= 5 }

    /// Calls `body` with the document for reading.
    public func withRaw<Result>(_ body: (RawDocument) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes { buffer in
            guard let raw = try? RawDocument(buffer) else { preconditionFailure("a Document is valid by construction") }
            return try body(raw)
        }
    }

    /// The first element with that name, copied.
    public subscript(key: String) -> Value? { withRaw { $0[key].map(Value.init) } }

    /// The names and values in order, copied.
    public var elements: [(key: String, value: Value)] {
        withRaw { raw in
            var result: [(key: String, value: Value)] = []
            var walker = raw.makeWalker()
            while let element = try? walker.next() { result.append((element.name, Value(element))) }
            return result
        }
    }

    public var keys: [String] { elements.map(\.key) }

    /// The document with one more element.
    public func appending(_ key: String, _ value: Value) -> Document {
        var builder = DocumentBuilder(copying: self)
        builder.append(key, value)
        return builder.finish()
    }

    /// The document without the elements with these names.
    public func removing(_ keys: Set<String>) -> Document {
        withRaw { raw in
            var builder = DocumentBuilder()
            var walker = raw.makeWalker()
            while let element = try? walker.next() {
                if !keys.contains(element.name) { builder.append(copying: element) }
            }
            return builder.finish()
        }
    }
}

extension Document: ExpressibleByDictionaryLiteral {
    /// Keeps the order and repeated names.
    public init(dictionaryLiteral elements: (String, Value)...) {
        var builder = DocumentBuilder()
        for (key, value) in elements { builder.append(key, value) }
        self = builder.finish()
    }
}

extension Document {
    /// Builds a document element by element.
    public init(_ build: (inout DocumentBuilder) throws -> Void) rethrows {
        var builder = DocumentBuilder()
        try build(&builder)
        self = builder.finish()
    }
}
