import BSON
import CZlib

/// A gzip member or zstd frame that stores bytes uncompressed, so that its size does not depend on their values.
///
/// Source: RFC 1952 with stored blocks of RFC 1951; RFC 8878, a single-segment frame with its content size, raw blocks
/// and no checksum.
enum StoredMember {
    private static let gzipBlock = 65_535
    private static let zstdBlock = 128 << 10

    static func append(_ bytes: UnsafeRawBufferPointer, _ compression: Compression, to framed: ByteBuffer) {
        guard compression != .none else { return framed.append(bytes) }
        framed.appendBytes(header(count: bytes.count, compression))
        let block = compression == .gzip ? gzipBlock : zstdBlock
        var start = 0
        repeat {
            let count = min(bytes.count - start, block)
            framed.appendBytes(blockHeader(count, isLast: start + count == bytes.count, compression))
            framed.append(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
            start += count
        } while start < bytes.count
        guard compression == .gzip else { return }
        let checksum = UInt32(crc32(0, bytes.baseAddress?.assumingMemoryBound(to: Bytef.self), UInt32(bytes.count)))
        framed.appendLittleEndian(checksum)
        framed.appendLittleEndian(UInt32(bytes.count))
    }

    /// The bytes with which a member of `count` bytes begins, before its content.
    static func beginning(count: Int, _ compression: Compression) -> [UInt8] {
        guard compression != .none else { return [] }
        let first = min(count, compression == .gzip ? gzipBlock : zstdBlock)
        return header(count: count, compression) + blockHeader(first, isLast: first == count, compression)
    }

    private static func header(count: Int, _ compression: Compression) -> [UInt8] {
        compression == .gzip
            ? [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
            : [0x28, 0xB5, 0x2F, 0xFD, 0xA0] + withUnsafeBytes(of: UInt32(count).littleEndian) { [UInt8]($0) }
    }

    private static func blockHeader(_ count: Int, isLast: Bool, _ compression: Compression) -> [UInt8] {
        let last: UInt8 = isLast ? 1 : 0
        if compression == .gzip {
            let length = UInt16(count)
            return [last, UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
        }
        let block = UInt32(count) << 3 | UInt32(last)
        return [UInt8(block & 255), UInt8(block >> 8 & 255), UInt8(block >> 16 & 255)]
    }
}

extension ByteBuffer {
    fileprivate func appendBytes(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    fileprivate func appendLittleEndian(_ number: UInt32) {
        withUnsafeBytes(of: number.littleEndian) { append($0) }
    }
}
