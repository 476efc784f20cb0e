import BSON
import BackupFile
import MongoFerry

/// Reads a small file that was named on the command line.
enum TextFile {
    /// - Parameter limit: the maximum size in bytes. A larger file cannot be the right one, and a device has no end.
    /// - Throws: ``FerryError`` of wrong usage, with the system's own reason; `CancellationError`.
    static func read(_ path: String, limit: Int) throws -> String {
        var bytes: [UInt8] = []
        do {
            let file = try OpenFile(reading: path, whileWaiting: Interruption.cancellation.check)
            let buffer = ByteBuffer(capacity: 64 << 10)
            while bytes.count <= limit {
                let count = try file.read(into: buffer.storage)
                if count == 0 { break }
                bytes += buffer.storage[..<count]
            }
        } catch let error as FileError { throw FerryError("\(error)", kind: .usage) }
        guard bytes.count <= limit else {
            throw FerryError("\(path): the file has more than \(limit >> 20) MB: is it the right one?", kind: .usage)
        }
        // Editors on Windows write a byte-order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FerryError("\(path): the file is not UTF-8 text", kind: .usage)
        }
        return text
    }
}
