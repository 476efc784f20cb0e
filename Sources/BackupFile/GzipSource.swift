import BSON
import CZlib

/// A gzip file of one or more members.
final class GzipSource: ByteSource {
    private let file: OpenFile
    private let input = ByteBuffer(capacity: 256 << 10)
    /// On the heap, since zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isInsideMember = false
    private var isAtEnd = false
    private var fault = DelayedFault()

    init(_ file: OpenFile) throws(BackupError) {
        self.file = file
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, plus 16 for gzip framing instead of zlib's.
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw BackupError.unavailable(file.path, "zlib cannot be started")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func read(into room: UnsafeMutableRawBufferPointer) throws -> Int {
        guard !isAtEnd else { return 0 }
        try fault.check()
        stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(min(room.count, 1 << 30))
        let wanted = stream.pointee.avail_out
        while stream.pointee.avail_out > 0 {
            if stream.pointee.avail_in == 0 {
                let count = try file.read(into: input.storage)
                guard count > 0 else {
                    if isInsideMember {
                        return try fault.hold(.cut(file.path), behind: Int(wanted - stream.pointee.avail_out))
                    }
                    isAtEnd = true
                    break
                }
                stream.pointee.next_in = input.storage.baseAddress?.assumingMemoryBound(to: Bytef.self)
                stream.pointee.avail_in = UInt32(count)
            }
            if !isInsideMember {
                skipZeros()
                if stream.pointee.avail_in == 0 { continue }
            }
            isInsideMember = true
            let result = inflate(stream, Z_NO_FLUSH)
            switch result {
            case Z_OK: break
            case Z_STREAM_END:
                isInsideMember = false
                guard inflateReset(stream) == Z_OK else {
                    throw BackupError.unavailable(file.path, "zlib cannot go on")
                }
            case Z_BUF_ERROR where stream.pointee.avail_in == 0: break
            default:
                return try fault.hold(
                    Self.fault(result, stream.pointee.msg.map { String(cString: $0) }, file.path),
                    behind: Int(wanted - stream.pointee.avail_out))
            }
        }
        return Int(wanted - stream.pointee.avail_out)
    }

    /// Skips the padding of tapes and block devices; no member begins with a zero. Source: gzip(1).
    private func skipZeros() {
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
    }

    /// - Parameters:
    ///   - result: what `inflate` returned.
    ///   - message: zlib's own message.
    static func fault(_ result: Int32, _ message: String?, _ path: String) -> BackupError {
        switch result {
        case Z_MEM_ERROR: .unavailable(path, "zlib needs more memory than there is")
        case Z_STREAM_ERROR, Z_VERSION_ERROR: .unavailable(path, "zlib cannot go on")
        default: .damaged(path, "the compressed data are damaged: \(message ?? "not gzip data")")
        }
    }
}
