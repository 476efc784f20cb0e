/// Why a text is not an Extended JSON document.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, as a phrase: "'}' expected".
    public let reason: String
    /// The position in the text, in bytes; a doubled quote counts as two.
    public let offset: Int
    /// Whether the document exceeds the size that the decoder may build; it may otherwise be valid.
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

    public var description: String { text(at: "column \(offset + 1)") }

    /// The same with another word for the position.
    public func text(at place: String) -> String { "not a JSON document: \(reason) at \(place)" }
}
