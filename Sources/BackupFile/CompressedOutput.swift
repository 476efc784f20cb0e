import BSON
import CZlib
import CZstd

/// Writes to a file, compressing on the way.
///
/// A compressed file is a sequence of members (gzip) or frames (zstd), which readers take as one: so the header can
/// stand uncompressed in one of its own, whose size depends on the header's alone, and be written again later.
final class CompressedOutput {
    private enum Stream {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    private let sink: any ByteSink
    private let put: (UnsafeRawBufferPointer, Int?) throws -> Void
    /// Bytes written to the file.
    private(set) var written = 0
    /// The file that is written, for errors.
    var path: String { sink.path }
    private let stream: Stream
    private let output = ByteBuffer(capacity: 256 << 10)

    convenience init(_ file: OpenFile, _ compression: Compression) throws(BackupError) {
        try self.init(file, compression) { try file.write($0, at: $1) }
    }

    /// Into something that can only be appended to.
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
        case .gzip:
            let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            state.initialize(to: z_stream())
            // Level 6 and 8 of memory are zlib's defaults; 15 bits of window, and 16: gzip framing.
            let size = Int32(MemoryLayout<z_stream>.size)
            guard deflateInit2_(state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
                state.deallocate()
                throw BackupError.unavailable(file.path, "zlib cannot be started")
            }
            stream = .gzip(state)
        case .zstd:
            guard let context = ZSTD_createCCtx() else {
                throw BackupError.unavailable(file.path, "zstd cannot be started")
            }
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
            // The default, 3, takes twice the time and makes the rows of a backup hardly smaller, or even larger.
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
            // Half of the level's own table, which stays in the processor's first cache: rows are like the rows just
            // before them, so it is a fifth faster and finds more.
            ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, 13)
            // A thread of its own, where the library was built with threads; otherwise this is refused and ignored.
            ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 1)
            stream = .zstd(context)
        }
    }

    deinit {
        switch stream {
        case .none: break
        case .gzip(let state):
            deflateEnd(state)
            state.deallocate()
        case .zstd(let context): ZSTD_freeCCtx(context)
        }
    }

    private var compression: Compression {
        switch stream {
        case .none: .none
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }

    /// Writes bytes as a member of their own that takes the same room whatever the bytes are.
    /// - Parameter offset: where in the file to write them; nil for the end.
    func writeStored(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws {
        let framed = ByteBuffer(capacity: bytes.count + 1024)
        StoredMember.append(bytes, compression, to: framed)
        try put(framed.bytes, offset)
        if offset == nil { written += framed.count }
    }

    /// Writes bytes into the member that is open.
    func write(_ bytes: UnsafeRawBufferPointer) throws { try run(bytes, finishing: false) }

    /// Ends the member that is open; a later write begins another.
    func finishMember() throws { try run(UnsafeRawBufferPointer(start: nil, count: 0), finishing: true) }

    private func run(_ bytes: UnsafeRawBufferPointer, finishing: Bool) throws {
        switch stream {
        case .none:
            try put(bytes, nil)
            written += bytes.count
        case .gzip(let state): try deflate(bytes, state, finishing: finishing)
        case .zstd(let context): try compress(bytes, context, finishing: finishing)
        }
    }

    private func flush(_ count: Int) throws {
        try put(UnsafeRawBufferPointer(start: output.storage.baseAddress, count: count), nil)
        written += count
    }

    private func deflate(_ bytes: UnsafeRawBufferPointer, _ state: UnsafeMutablePointer<z_stream>, finishing: Bool)
        throws
    {
        state.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: Bytef.self))
        state.pointee.avail_in = UInt32(bytes.count)
        while true {
            state.pointee.next_out = output.storage.baseAddress?.assumingMemoryBound(to: Bytef.self)
            state.pointee.avail_out = UInt32(output.storage.count)
            let result = CZlib.deflate(state, finishing ? Z_FINISH : Z_NO_FLUSH)
            try flush(output.storage.count - Int(state.pointee.avail_out))
            if finishing {
                if result == Z_STREAM_END { break }
                guard result == Z_OK else { throw BackupError.unavailable(sink.path, "zlib cannot compress") }
            } else {
                guard result == Z_OK || result == Z_BUF_ERROR else {
                    throw BackupError.unavailable(sink.path, "zlib cannot compress")
                }
                if state.pointee.avail_in == 0 && state.pointee.avail_out > 0 { break }
            }
        }
        if finishing { deflateReset(state) }
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
            try flush(room.pos)
            if finishing ? left == 0 : input.pos == input.size { break }
        }
    }
}
