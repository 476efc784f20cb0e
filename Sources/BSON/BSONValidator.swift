/// Validates bytes from outside at every depth, without recursion.
public enum BSONValidator {
    /// Deeper than any server stores (200), so that nothing valid is rejected and no stack can overflow.
    public static let maximumDepth = 500

    /// The first fault in a document; nil if it is valid.
    public static func firstFault(in bytes: UnsafeRawBufferPointer) -> BSONError? {
        var open: [ElementWalker] = []
        // What is being looked at: an error's offset counts from there.
        var part = bytes
        do throws(BSONError) {
            open.append(ElementWalker(try RawDocument(bytes)))
            while let innermost = open.indices.last {
                part = open[innermost].bytes
                guard let element = try open[innermost].next() else {
                    open.removeLast()
                    continue
                }
                part = element.value
                guard let nested = try Self.nestedDocument(element) else { continue }
                guard open.count < maximumDepth else { throw BSONError(.tooDeep, at: 0) }
                open.append(ElementWalker(nested))
            }
            return nil
        } catch {
            let start = part.baseAddress.flatMap { part in bytes.baseAddress.map { part - $0 } } ?? 0
            return BSONError(error.reason, at: start + error.offset)
        }
    }

    private static func nestedDocument(_ element: RawElement) throws(BSONError) -> RawDocument? {
        switch element.type {
        case .document, .array: return try RawDocument(element.value)
        case .codeWithScope: return try element.scope
        default: return nil
        }
    }
}

extension RawElement {
    /// The code of a code with scope, with its length prefix; nil for other types and if the lengths inside are
    /// inconsistent.
    public var codeBeforeScope: UnsafeRawBufferPointer? {
        guard let scope = try? scope else { return nil }
        return UnsafeRawBufferPointer(rebasing: value[4..<(value.count - scope.bytes.count)])
    }

    /// The scope of a code with scope; nil for other types.
    /// - Throws: ``BSONError`` if the lengths inside are inconsistent.
    public var scope: RawDocument? {
        get throws(BSONError) {
            guard type == .codeWithScope else { return nil }
            let code = Int(Int32(littleEndian: value.loadUnaligned(fromByteOffset: 4, as: Int32.self)))
            guard code >= 1, 8 + code + 5 <= value.count else { throw BSONError(.overrun, at: 4) }
            guard value[8 + code - 1] == 0 else { throw BSONError(.noTerminator, at: 8 + code - 1) }
            do throws(BSONError) {
                return try RawDocument(UnsafeRawBufferPointer(rebasing: value[(8 + code)...]))
            } catch {
                throw BSONError(error.reason, at: 8 + code + error.offset)
            }
        }
    }
}
