/// The decompressed bytes of a file, from start to end.
protocol ByteSource: AnyObject {
    /// Fills `room` as far as it can; returns 0 at the end.
    func read(into room: UnsafeMutableRawBufferPointer) throws -> Int
}

/// An uncompressed file.
final class PlainSource: ByteSource {
    private let file: OpenFile
    init(_ file: OpenFile) { self.file = file }
    func read(into room: UnsafeMutableRawBufferPointer) throws -> Int { try file.read(into: room) }
}

/// Holds back a fault in compressed data until everything decompressed before it has been given out, so that a
/// truncated file's metadata can still be read.
struct DelayedFault {
    private var fault: BackupError?

    /// - Throws: the fault, if one was held back.
    func check() throws(BackupError) {
        if let fault { throw fault }
    }

    /// - Parameter count: the number of bytes that were decompressed before the fault.
    /// - Returns: `count`; then the next ``check()`` throws the fault.
    /// - Throws: the fault at once, if `count` is 0.
    mutating func hold(_ fault: BackupError, behind count: Int) throws(BackupError) -> Int {
        guard count > 0 else { throw fault }
        self.fault = fault
        return count
    }
}

/// Opens the source that the file's first bytes call for.
/// - Throws: ``FileError``; ``BackupError`` if the decompression library fails.
func makeByteSource(_ file: OpenFile) throws -> (source: any ByteSource, compression: Compression) {
    try file.seek(to: 0)
    var magic = [UInt8](repeating: 0, count: 4)
    var have = 0
    while have < 4 {
        let count = try magic.withUnsafeMutableBytes { try file.read(into: .init(rebasing: $0[have...])) }
        if count == 0 { break }
        have += count
    }
    try file.seek(to: 0)
    let compression = Compression(magic: magic.prefix(have))
    switch compression {
    case .none: return (PlainSource(file), compression)
    case .gzip: return (try GzipSource(file), compression)
    case .zstd: return (try ZstdSource(file), compression)
    }
}
