import BSON
import BackupFile
import Foundation

/// Copies a stream to a temporary file, so that it can be read twice.
enum Spool {
    /// The number of bytes within which any backup has reached its rows.
    private static let headRoom = 40 << 20

    /// Checks that the stream is a backup: another may have no end, and would fill the disk.
    /// - Throws: ``BackupError``, ``FileError``.
    private static func checkHead(of file: OpenFile, _ path: String, _ bytes: Int) throws {
        _ = try BackupReader(OpenFile(renaming: file, to: path))
        // Both share one position in the file.
        try file.seek(to: bytes)
    }

    /// - Throws: ``FerryError``, ``FileError``; ``BackupError`` if it is no backup; `CancellationError`.
    static func file(from source: OpenFile, _ operation: OperationContext) throws -> OpenFile {
        let file = try OpenFile(temporaryIn: OpenFile.temporaryFolder)
        let buffer = ByteBuffer(capacity: 1 << 20)
        var bytes = 0
        while true {
            // The program that writes to a pipe may be silent for long.
            repeat { try operation.cancellation.check() } while !source.isReadable(within: 100)
            let count = try source.read(into: buffer.storage)
            if count == 0 { break }
            let before = bytes
            bytes += count
            operation.progress(.read, source.path, bytes: bytes)
            do {
                try file.write(UnsafeRawBufferPointer(start: buffer.storage.baseAddress, count: count))
            } catch let error as FileError {
                throw FerryError(
                    error.text, details: [FerryError.nothingWritten],
                    advice: ["Set TMPDIR to a folder with more room, or import a file."])
            }
            if before < headRoom, bytes >= headRoom { try checkHead(of: file, source.path, bytes) }
        }
        return try OpenFile(renaming: file, to: source.path)
    }
}
