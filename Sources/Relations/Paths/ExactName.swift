/// A name that equals another only if their bytes are equal, and that is ordered by its bytes.
///
/// Swift's strings treat "é" and "e" with a combining accent as equal. The server does not: they are two collections.
public struct ExactName: Hashable, Comparable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    public static func == (left: ExactName, right: ExactName) -> Bool { left.text.hasSameBytes(as: right.text) }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }

    public static func < (left: ExactName, right: ExactName) -> Bool { left.text.precedes(right.text) }
}

extension String {
    public func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        var other = other
        return other.withUTF8 { UnsafeRawBufferPointer($0).isUTF8(of: self) }
    }

    /// The order of names everywhere in this module: by their UTF-8 bytes.
    func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
