import BackupFile
import Foundation

/// A file with something of what a database holds: its owner says who else may read it.
enum PrivateFile {
    /// Writes all of it or nothing. A new file is readable by its owner alone; one that is there keeps its mode, since
    /// somebody may have given it to others.
    /// - Throws: ``FileError``, `POSIXError`.
    static func write(_ text: String, to path: String) throws {
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        let partial = place.deletingLastPathComponent()
            .appendingPathComponent(".mongoferry-\(UUID().uuidString).partial").path
        let file = try OpenFile(path: partial, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do {
            try Array(text.utf8).withUnsafeBytes { try file.write($0, at: nil) }
            var before = stat()
            if stat(place.path, &before) == 0 { try check(chmod(partial, before.st_mode & 0o777)) }
            try check(rename(partial, place.path))
        } catch {
            unlink(partial)
            throw error
        }
    }

    private static func check(_ result: Int32) throws {
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
}
