/// The bytes of a file, decompressed, from front to back.
protocol ByteSource: AnyObject {
    /// Fills `room` as far as it can: 0 bytes mean the end.
    func read(into room: UnsafeMutableRawBufferPointer) throws -> Int
}

/// An uncompressed file.
final class PlainSource: ByteSource {
    private let file: OpenFile
    init(_ file: OpenFile) { self.file = file }
    func read(into room: UnsafeMutableRawBufferPointer) throws -> Int { try file.read(into: room) }
}

/// A fault in compressed data, told once what was decompressed before it has been given out: what a cut file says about
/// itself is there to be read.
struct DelayedFault {
    private var fault: BackupError?

    /// - Throws: the fault that was held back.
    func check() throws(BackupError) {
        if let fault { throw fault }
    }

    /// - Parameter count: bytes that were decompressed before the fault.
    /// - Returns: the same where there are any; then the fault comes with the next ``check()``.
    mutating func hold(_ fault: BackupError, behind count: Int) throws(BackupError) -> Int {
        guard count > 0 else { throw fault }
        self.fault = fault
        return count
    }
}

/// Opens the right source for what the file's first bytes say.
/// - Throws: ``FileError``; ``BackupError`` for what another program has compressed.
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
    case .none:
        if let program = Compression.otherProgram(magic: magic.prefix(have)) {
            throw BackupError(
                .notABackup, file.path, "not a backup: the file is compressed by \(program)",
                advice:
                    "Decompress it: `\(MendingCommand(program == "zip" ? "funzip" : "\(program) -dc", of: file.path, .none).text)`."
            )
        }
        return (PlainSource(file), compression)
    case .gzip: return (try GzipSource(file), compression)
    case .zstd: return (try ZstdSource(file), compression)
    }
}
