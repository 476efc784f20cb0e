/// Bytes that are not a BSON document.
public struct BSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Hashable, Sendable {
        case tooShort = "shorter than an empty document"
        case lengthMismatch = "the length in front does not match the bytes"
        case noTerminator = "a terminating zero byte is missing"
        case unknownType = "unknown element type"
        case overrun = "a value runs past the end of its document"
        case tooDeep = "nested deeper than 500 levels"
    }

    public let reason: Reason
    /// The offset of the fault in the document, in bytes.
    public let offset: Int

    @usableFromInline init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "not a BSON document: \(reason.rawValue), at byte \(offset)" }
}
