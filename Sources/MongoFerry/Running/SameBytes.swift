import Foundation

extension UnsafeRawBufferPointer {
    /// As `elementsEqual`, without a call for each byte: it is asked for every row of a file.
    func hasSameBytes(as other: [UInt8]) -> Bool {
        count == other.count && other.withUnsafeBytes { Self.areEqual(self, $0) }
    }

    fileprivate static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
        return memcmp(first, second, left.count) == 0
    }
}

extension String {
    /// Equal to a server too: to Swift, composed and decomposed characters are the same.
    func hasSameBytes(as other: String) -> Bool {
        let answer = utf8.withContiguousStorageIfAvailable { left -> Bool? in
            other.utf8.withContiguousStorageIfAvailable {
                UnsafeRawBufferPointer.areEqual(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer($0))
            }
        }
        return (answer ?? nil) ?? utf8.elementsEqual(other.utf8)
    }
}
