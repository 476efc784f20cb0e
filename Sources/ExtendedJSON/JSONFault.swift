/// Why a text is not a document in Extended JSON.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, as a phrase: "'}' expected".
    public let reason: String
    /// Bytes of the text before the place, counting a doubled quote as two.
    public let offset: Int

    init(_ reason: String, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "not a JSON document: \(reason) at column \(offset + 1)" }
}
