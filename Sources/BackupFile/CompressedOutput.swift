import BSON
import CZstd

/// Writes to a file, compressing on the way.
///
/// A compressed file is a sequence of members (gzip) or frames (zstd), which readers treat as one. So the header can be
/// an uncompressed member of its own, whose size depends only on the header's, and be rewritten later. Belongs to one
/// thread, except for helpers.
final class CompressedOutput {
    private enum Stream {
        case none
        case gzip(GzipBlocks)
        case zstd(OpaquePointer)
    }

    private let sink: any ByteSink
    private let put: (UnsafeRawBufferPointer, Int?) throws -> Void
    /// The number of bytes written to the file.
    private(set) var written = 0
    /// The file's path, for errors.
    var path: String { sink.path }
    private let stream: Stream
    /// Whether something was written since the last member ended.
    private var isOpen = false
    private let output = ByteBuffer(capacity: 256 << 10)

    convenience init(_ file: OpenFile, _ compression: Compression) throws(BackupError) {
        try self.init(file, compression) { try file.write($0, at: $1) }
    }

    /// For an output that can only be appended to.
    convenience init(appendingTo sink: any ByteSink, _ compression: Compression) throws(BackupError) {
        try self.init(sink, compression) { bytes, _ in try sink.write(bytes) }
    }

    private init(
        _ file: any ByteSink, _ compression: Compression, put: @escaping (UnsafeRawBufferPointer, Int?) throws -> Void
    ) throws(BackupError) {
        sink = file
        self.put = put
        switch compression {
        case .none: stream = .none
        case .gzip: stream = .gzip(try GzipBlocks(file.path))
        case .zstd:
            guard let context = ZSTD_createCCtx() else {
                throw BackupError.unavailable(file.path, "zstd cannot be started")
            }
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
            // The default, 3, takes twice the time and makes a backup's rows hardly smaller, or even larger.
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
            // Half of the level's own table, which then stays in the L1 cache: rows resemble the rows just before them,
            // so it is a fifth faster and finds more matches.
            ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, 13)
            // A separate thread, if the library was built with threads; otherwise this is refused, and ignored.
            ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 1)
            stream = .zstd(context)
        }
    }

    deinit {
        if case .zstd(let context) = stream { ZSTD_freeCCtx(context) }
    }

    private var compression: Compression {
        switch stream {
        case .none: .none
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }

    /// Writes bytes as an uncompressed member of their own, whose size does not depend on their values.
    /// - Parameter offset: where in the file to write; nil for the end.
    func writeStored(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws {
        let framed = ByteBuffer(capacity: bytes.count + 1024)
        StoredMember.append(bytes, compression, to: framed)
        try put(framed.bytes, offset)
        if offset == nil { written += framed.count }
    }

    /// Writes bytes to the open member, or begins one.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        isOpen = true
        switch stream {
        case .none: try append(bytes)
        case .gzip(let blocks): try blocks.write(bytes, append)
        case .zstd(let context): try compress(bytes, context, finishing: false)
        }
    }

    /// Ends the open member, if any; a later write begins another.
    func finishMember() throws {
        guard isOpen else { return }
        isOpen = false
        switch stream {
        case .none: break
        case .gzip(let blocks): try blocks.finish(append)
        case .zstd(let context):
            try compress(UnsafeRawBufferPointer(start: nil, count: 0), context, finishing: true)
        }
    }

    /// The blocks that helpers can compress; nil unless the file is gzip.
    var blocks: GzipBlocks? {
        if case .gzip(let blocks) = stream { blocks } else { nil }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws {
        try put(bytes, nil)
        written += bytes.count
    }

    private func compress(_ bytes: UnsafeRawBufferPointer, _ context: OpaquePointer, finishing: Bool) throws {
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while true {
            var room = ZSTD_outBuffer(dst: output.storage.baseAddress, size: output.storage.count, pos: 0)
            let left = ZSTD_compressStream2(context, &room, &input, finishing ? ZSTD_e_end : ZSTD_e_continue)
            guard ZSTD_isError(left) == 0 else {
                throw BackupError.unavailable(
                    sink.path, "zstd cannot compress: \(String(cString: ZSTD_getErrorName(left)))")
            }
            try append(UnsafeRawBufferPointer(start: output.storage.baseAddress, count: room.pos))
            if finishing ? left == 0 : input.pos == input.size { break }
        }
    }
}
