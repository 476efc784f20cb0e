/// Why a text is not a document in Extended JSON.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, as a phrase: "'}' expected".
    public let reason: String
    /// Bytes of the text before the place, counting a doubled quote as two.
    public let offset: Int
    /// Whether the document is larger than the decoder was told to build, and may be sound otherwise.
    public let isTooLarge: Bool

    init(_ reason: String, at offset: Int) { self.init(reason, at: offset, isTooLarge: false) }

    private init(_ reason: String, at offset: Int, isTooLarge: Bool) {
        self.reason = reason
        self.offset = offset
        self.isTooLarge = isTooLarge
    }

    static func tooLarge(at offset: Int) -> JSONFault {
        JSONFault("the document is too large", at: offset, isTooLarge: true)
    }

    public var description: String { "not a JSON document: \(reason) at column \(offset + 1)" }
}
