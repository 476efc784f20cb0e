import BSON
import CZstd

/// A zstd file of one or more frames.
final class ZstdSource: ByteSource {
    private let file: OpenFile
    private let input = ByteBuffer(capacity: 256 << 10)
    private let context: OpaquePointer
    private var have = 0
    private var used = 0
    private var isInsideFrame = false
    /// The last call filled its room: there may be more output without further input.
    private var mayHoldOutput = false
    private var fault = DelayedFault()

    init(_ file: OpenFile) throws(BackupError) {
        self.file = file
        guard let context = ZSTD_createDCtx() else {
            throw BackupError.unavailable(file.path, "zstd cannot be started")
        }
        self.context = context
        // A window takes memory: `zstd -20` uses 32 MB, the largest levels ask for 128 MB.
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 25)
    }

    deinit { ZSTD_freeDCtx(context) }

    func read(into room: UnsafeMutableRawBufferPointer) throws -> Int {
        try fault.check()
        var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
        while output.pos < output.size {
            if used == have, !mayHoldOutput {
                have = try file.read(into: input.storage)
                used = 0
                guard have > 0 else {
                    if isInsideFrame { return try fault.hold(.cut(file.path), behind: output.pos) }
                    break
                }
            }
            var next = ZSTD_inBuffer(src: input.storage.baseAddress, size: have, pos: used)
            let before = output.pos
            let result = ZSTD_decompressStream(context, &output, &next)
            used = next.pos
            guard ZSTD_isError(result) == 0 else {
                return try fault.hold(Self.fault(ZSTD_getErrorCode(result), file.path), behind: output.pos)
            }
            isInsideFrame = result != 0
            mayHoldOutput = isInsideFrame && output.pos > before && output.pos == output.size
        }
        return output.pos
    }

    static func fault(_ code: ZSTD_ErrorCode, _ path: String) -> BackupError {
        switch code {
        case ZSTD_error_memory_allocation: .unavailable(path, "zstd needs more memory than there is")
        case ZSTD_error_frameParameter_windowTooLarge:
            BackupError(
                .tooLarge, path, "it takes more memory to decompress than is allowed, for a window of over 32 MB",
                advice: "`zstd -dc --long=31 < FILE | zstd > NEW` makes one that can be read.")
        default: .damaged(path, "the compressed data are damaged: \(String(cString: ZSTD_getErrorString(code)))")
        }
    }
}
