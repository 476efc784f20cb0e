import BSON
import BackupFile
import Foundation

/// Writes a text to a file as a whole.
enum WholeFile {
    /// Only the owner may read and write the file.
    static let privateMode: mode_t = 0o600
    /// Everybody may read and write the file, as far as the process's umask allows.
    static let sharedMode: mode_t = 0o666

    /// Writes all of the text or nothing; a pipe or a device is written to directly. An existing file keeps its mode,
    /// since somebody may have given others access.
    /// - Parameters:
    ///   - mode: the mode of a new file.
    ///   - overwriting: whether to replace a file that has the name, even if it was created only a moment ago.
    /// - Throws: ``FileError``, `POSIXError`; `CancellationError` if cancelled while nobody reads a pipe.
    static func write(
        _ text: String, to path: String, mode: mode_t = privateMode, overwriting: Bool = true
    ) throws {
        // Waiting for a pipe's reader can be stopped.
        if let special = try OpenFile.special(writing: path, whileWaiting: Interruption.cancellation.check) {
            return try special.write(text)
        }
        var before = stat()
        let isThere = stat(path, &before) == 0
        let place = FilePath.behindLinks(path) ?? path
        let partial = "\(place[..<place.placeBehindLast("/")]).mongoferry-\(UUID().uuidString).partial"
        let file = try OpenFile(path: partial, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        do {
            try file.write(text)
            if isThere {
                try check(chmod(partial, before.st_mode & 0o777))
            } else if mode == privateMode {
                // The umask may have taken away the owner's rights, too. Some file systems have no modes.
                _ = chmod(partial, mode)
            }
            if overwriting {
                try check(rename(partial, place))
            } else if try !PartialFile.publish(partial, as: place) {
                throw POSIXError(.EEXIST)
            }
        } catch {
            unlink(partial)
            throw error
        }
    }

    /// Whether two paths lead to the same file, which need not exist yet.
    static func isSame(_ left: String, _ right: String) -> Bool {
        var (mine, other) = (stat(), stat())
        if stat(left, &mine) == 0, stat(right, &other) == 0 {
            return mine.st_dev == other.st_dev && mine.st_ino == other.st_ino
        }
        guard let mine = Place(of: left), let other = Place(of: right) else { return false }
        return mine == other
    }

    /// Where a file is or would be created: the folder, whatever path leads to it, and the name in it.
    private struct Place: Equatable {
        let device: dev_t
        let folder: ino_t
        let name: String

        /// Nil if no file can be created there.
        init?(of path: String) {
            guard !path.isEmpty, let place = FilePath.behindLinks(path) else { return nil }
            var status = stat()
            guard stat(FilePath.folder(of: place), &status) == 0 else { return nil }
            (device, folder) = (status.st_dev, status.st_ino)
            name = String(place[place.placeBehindLast("/")...])
        }
    }

    /// The reason of an error: the system's own if Foundation's error contains it.
    static func reason(_ error: any Error) -> String {
        if error is CancellationError { return "nobody reads the pipe" }
        if let error = error as? FileError { return String(cString: strerror(error.code)) }
        return ((error as? CocoaError)?.underlying ?? error).localizedDescription
    }

    private static func check(_ result: Int32) throws {
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
}
