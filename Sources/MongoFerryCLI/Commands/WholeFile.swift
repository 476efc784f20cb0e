import BackupFile
import Foundation

/// A text that is written as a file.
enum WholeFile {
    /// Only its owner reads it.
    static let privateMode: mode_t = 0o600
    /// Whoever the process lets.
    static let sharedMode: mode_t = 0o666

    /// Writes all of it or nothing; a pipe or a device is written to. A file that is there keeps its mode, since somebody
    /// may have given it to others.
    /// - Parameters:
    ///   - mode: of a new file.
    ///   - overwriting: whether a file that has the name, even since a moment ago, is written over.
    /// - Throws: ``FileError``, `POSIXError`; `CancellationError` where nobody reads a pipe.
    static func write(
        _ text: String, to path: String, mode: mode_t = privateMode, overwriting: Bool = true
    ) throws {
        // Waiting for a pipe's reader can be stopped.
        if let special = try OpenFile.special(writing: path, whileWaiting: Interruption.cancellation.check) {
            return try special.write(text)
        }
        var before = stat()
        let isThere = stat(path, &before) == 0
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        let partial = place.deletingLastPathComponent()
            .appendingPathComponent(".mongoferry-\(UUID().uuidString).partial").path
        let file = try OpenFile(path: partial, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        do {
            try file.write(text)
            if isThere { try check(chmod(partial, before.st_mode & 0o777)) }
            if overwriting {
                try check(rename(partial, place.path))
            } else if try !PartialFile.publish(partial, as: place.path) {
                throw POSIXError(.EEXIST)
            }
        } catch {
            unlink(partial)
            throw error
        }
    }

    /// Whether two paths lead to one file, which need not be there yet.
    static func isSame(_ left: String, _ right: String) -> Bool {
        var (mine, other) = (stat(), stat())
        if stat(left, &mine) == 0, stat(right, &other) == 0 {
            return mine.st_dev == other.st_dev && mine.st_ino == other.st_ino
        }
        guard let mine = Place(of: left), let other = Place(of: right) else { return false }
        return mine == other
    }

    /// Where a file is, or would come to be: its folder, whatever it is called, and its name in it.
    private struct Place: Equatable {
        let device: dev_t
        let folder: ino_t
        let name: String

        /// More links in a row no system follows.
        private static let mostLinks = 40

        /// Nil where no file can come to be.
        init?(of path: String) {
            var path = path
            for _ in 0..<Self.mostLinks {
                guard !path.isEmpty else { return nil }
                let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
                let parent = start == path.startIndex ? "./" : String(path[..<start])
                guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
                    var status = stat()
                    guard stat(parent, &status) == 0 else { return nil }
                    (device, folder) = (status.st_dev, status.st_ino)
                    name = String(path[start...])
                    return
                }
                path = target.hasPrefix("/") ? target : parent + target
            }
            return nil
        }
    }

    /// The system's own, where Foundation has one behind its text.
    static func reason(_ error: any Error) -> String {
        if error is CancellationError { return "nobody reads the pipe" }
        if let error = error as? FileError { return String(cString: strerror(error.code)) }
        return ((error as? CocoaError)?.underlying ?? error).localizedDescription
    }

    private static func check(_ result: Int32) throws {
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
}
