/// A BSON document whose bytes somebody else owns.
///
/// Valid only while the closure that received it runs: copy it into a ``Document`` to keep it. Walking it allocates
/// nothing.
@frozen public struct RawDocument {
    public let bytes: UnsafeRawBufferPointer

    /// Wraps bytes with a valid length prefix and terminator; the elements are checked as they are walked.
    /// - Throws: ``BSONError`` if prefix, terminator and count don't agree.
    @inlinable public init(_ bytes: UnsafeRawBufferPointer) throws(BSONError) {
        guard bytes.count >= 5 else { throw BSONError(.tooShort, at: 0) }
        guard Int(Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))) == bytes.count else {
            throw BSONError(.lengthMismatch, at: 0)
        }
        guard bytes[bytes.count - 1] == 0 else { throw BSONError(.noTerminator, at: bytes.count - 1) }
        self.bytes = bytes
    }

    @inlinable public var isEmpty: Bool { bytes.count <= 5 }

    @inlinable public func makeWalker() -> ElementWalker { ElementWalker(self) }

    /// Calls `body` with each element in order.
    /// - Throws: ``BSONError`` at the first element that is damaged, and what `body` throws.
    @inlinable public func forEach(_ body: (RawElement) throws -> Void) throws {
        var walker = makeWalker()
        while let element = try walker.next() { try body(element) }
    }

    /// The first element with that name; nil if there is none or the bytes before it are damaged.
    public subscript(key: String) -> RawElement? {
        var key = key
        return key.withUTF8 { wanted in
            var walker = makeWalker()
            while let element = try? walker.next() {
                if element.key.elementsEqual(wanted) { return element }
            }
            return nil
        }
    }

    /// The first element, which in a stored document is `_id`.
    public var first: RawElement? {
        var walker = makeWalker()
        return try? walker.next()
    }
}

/// Steps through the elements of a ``RawDocument``.
@frozen public struct ElementWalker {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var offset: Int

    /// - Parameter offset: where an element begins, in bytes from the beginning of the document: 4 for the first.
    @inlinable public init(_ document: RawDocument, from offset: Int = 4) {
        bytes = document.bytes
        self.offset = offset
    }

    /// Where the next element begins, in bytes from the beginning of the document.
    @inlinable public var position: Int { offset }

    /// The next element; nil at the end.
    /// - Throws: ``BSONError`` if the bytes are inconsistent.
    @inlinable public mutating func next() throws(BSONError) -> RawElement? {
        let end = bytes.count - 1
        guard offset < end else {
            if offset == end { return nil }
            throw BSONError(.overrun, at: offset)
        }
        guard let type = ElementType(rawValue: bytes[offset]) else { throw BSONError(.unknownType, at: offset) }
        let keyStart = offset + 1
        let keyEnd = try Self.terminator(in: bytes, from: keyStart, before: end)
        let valueStart = keyEnd + 1
        let size = try Self.valueSize(type, in: bytes, at: valueStart, before: end)
        offset = valueStart + size
        return RawElement(
            type: type, key: UnsafeRawBufferPointer(rebasing: bytes[keyStart..<keyEnd]),
            value: UnsafeRawBufferPointer(rebasing: bytes[valueStart..<valueStart + size]))
    }

    @inlinable static func terminator(
        in bytes: UnsafeRawBufferPointer, from start: Int, before end: Int
    ) throws(BSONError) -> Int {
        var index = start
        // Eight bytes at once: each zero byte gets its highest bit set. Bits after the first may be false positives.
        while index + 8 <= end {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < end {
            if bytes[index] == 0 { return index }
            index += 1
        }
        throw BSONError(.overrun, at: start)
    }

    /// The size of a value of `type` in bytes, checked to end before `end`.
    @inlinable static func valueSize(
        _ type: ElementType, in bytes: UnsafeRawBufferPointer, at start: Int, before end: Int
    ) throws(BSONError) -> Int {
        let size: Int
        switch type {
        case .null, .undefined, .minKey, .maxKey: size = 0
        case .bool: size = 1
        case .int32: size = 4
        case .double, .date, .timestamp, .int64: size = 8
        case .objectID: size = 12
        case .decimal128: size = 16
        case .string, .code, .symbol:
            size = 4 + (try length(in: bytes, at: start, before: end, minimum: 1))
            guard start + size <= end else { throw BSONError(.overrun, at: start) }
            guard bytes[start + size - 1] == 0 else { throw BSONError(.noTerminator, at: start + size - 1) }
        case .document, .array:
            size = try length(in: bytes, at: start, before: end, minimum: 5)
            guard start + size <= end else { throw BSONError(.overrun, at: start) }
            guard bytes[start + size - 1] == 0 else { throw BSONError(.noTerminator, at: start + size - 1) }
        case .binary: size = 5 + (try length(in: bytes, at: start, before: end, minimum: 0))
        case .codeWithScope: size = try length(in: bytes, at: start, before: end, minimum: 14)
        case .dbPointer:
            size = 4 + 12 + (try length(in: bytes, at: start, before: end, minimum: 1))
            guard start + size <= end else { throw BSONError(.overrun, at: start) }
            guard bytes[start + size - 13] == 0 else { throw BSONError(.noTerminator, at: start + size - 13) }
        case .regularExpression:
            let pattern = try terminator(in: bytes, from: start, before: end)
            size = try terminator(in: bytes, from: pattern + 1, before: end) + 1 - start
        }
        guard start + size <= end else { throw BSONError(.overrun, at: start) }
        return size
    }

    @inlinable static func length(
        in bytes: UnsafeRawBufferPointer, at start: Int, before end: Int, minimum: Int
    ) throws(BSONError) -> Int {
        guard start + 4 <= end else { throw BSONError(.overrun, at: start) }
        let length = Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self)))
        guard length >= minimum else { throw BSONError(.lengthMismatch, at: start) }
        return length
    }
}
