import BSON
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file that holds a backup until it is complete.
package enum PartialFile {
    /// `.NAME.partial` in the file's own folder, so that renaming it is atomic.
    static func path(for path: String) -> String {
        let slash = path.placeBehindLast("/")
        return "\(path[..<slash]).\(path[slash...]).partial"
    }

    /// Gives the partial file its final name, unless that has been taken meanwhile.
    /// - Returns: whether the name was free.
    /// - Throws: ``FileError``.
    package static func publish(_ partial: String, as path: String) throws(FileError) -> Bool {
        // `link` fails if the name is taken; `rename` would not.
        if link(partial, path) == 0 {
            unlink(partial)
            return true
        }
        // Some file systems do not support links.
        guard errno != EEXIST, !isTaken(path) else { return false }
        guard rename(partial, path) == 0 else { throw FileError("rename to", path) }
        return true
    }

    /// Whether anything has this name, even a dangling link.
    static func isTaken(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Opens the partial file, locked against a second export to the same name, and empties it.
    /// - Parameters:
    ///   - path: the backup's final name.
    ///   - owner: the user who must own the partial file if it exists already; otherwise it is replaced.
    ///   - beforeLocking: called between opening and locking it.
    /// - Throws: ``BackupError`` if another export is writing it; ``FileError``.
    static func open(
        for path: String, owner: uid_t = geteuid(), beforeLocking: () throws -> Void = {}
    ) throws -> OpenFile {
        let partial = Self.path(for: path)
        for _ in 0..<attempts {
            guard let (file, isNew) = try opened(partial) else { continue }
            try beforeLocking()
            // Some file systems do not support locks: then a second export is not kept away.
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
                throw BackupError(
                    .busy, path, "another export is writing this file now",
                    advice: "Wait until it has ended, or choose another name.")
            }
            // The other export may have ended in between: then the opened file is its backup, under its final name.
            guard try isStill(file, at: partial) else { continue }
            // Not checked with `isOwn`: some file systems report another owner for every file.
            if isNew {
                // The umask may have taken away the owner's rights, too. Some file systems have no modes.
                _ = fchmod(file.descriptor, 0o600)
                note(file)
                return file
            }
            guard try isOwn(file, owner) else {
                guard unlink(partial) == 0 || errno == ENOENT else { throw FileError("remove", partial) }
                continue
            }
            guard ftruncate(file.descriptor, 0) == 0, fchmod(file.descriptor, 0o600) == 0 else {
                throw FileError("empty", partial)
            }
            note(file)
            return file
        }
        throw BackupError(
            .busy, path, "others keep making and removing \(partial)",
            advice: "Wait until they have ended, or choose another name.")
    }

    /// How often the file may vanish between two steps.
    private static let attempts = 100

    /// The file, and whether it was just created; nil if it vanished meanwhile.
    private static func opened(_ path: String) throws(FileError) -> (OpenFile, isNew: Bool)? {
        do throws(FileError) {
            return (try OpenFile(path: path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600), true)
        } catch {
            guard error.code == EEXIST else { throw error }
        }
        do throws(FileError) {
            return (try OpenFile(path: path, flags: O_RDWR | O_NOFOLLOW), false)
        } catch {
            if error.code == ENOENT { return nil }
            guard [ELOOP, EISDIR].contains(error.code) else { throw error }
            throw FileError(
                "open", path, code: error.code,
                advice: "Remove \(path): the file is written under this name, and renamed when it is complete.")
        }
    }

    /// Whether nobody else has access to it: if others may write to the folder, one of them may have put it there.
    private static func isOwn(_ file: OpenFile, _ owner: uid_t) throws(FileError) -> Bool {
        let status = try file.status()
        return status.st_uid == owner && status.st_nlink == 1 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether `path` still names this file.
    static func isStill(_ file: OpenFile, at path: String) throws(FileError) -> Bool {
        let mine = try file.status()
        var there = stat()
        guard lstat(path, &there) == 0 else {
            guard errno == ENOENT else { throw FileError("look at", path) }
            return false
        }
        return there.st_dev == mine.st_dev && there.st_ino == mine.st_ino
    }

    // MARK: Ending at once

    /// What a signal handler must know of a file; it may make nothing but system calls.
    private struct Noted {
        let path: UnsafeMutablePointer<CChar>
        let descriptor: Int32
    }

    private static let isPrepared = Atomic<Bool>(false)
    /// The address of the latest ``Noted``. It is never freed, since a handler may be reading it.
    private static let noted = Atomic<UInt>(0)

    /// Prepares for the signal handlers of a process that makes one backup: partial files opened from now on are noted,
    /// and ``removeAtOnce()`` makes nothing but system calls.
    package static func prepare() {
        _ = noted.load(ordering: .relaxed)
        isPrepared.store(true, ordering: .relaxed)
    }

    private static func note(_ file: OpenFile) {
        guard isPrepared.load(ordering: .relaxed), let path = strdup(file.path) else { return }
        let place = UnsafeMutablePointer<Noted>.allocate(capacity: 1)
        place.initialize(to: Noted(path: path, descriptor: file.descriptor))
        noted.store(UInt(bitPattern: place), ordering: .releasing)
    }

    /// Removes the latest partial file, unless it is complete; to be called before ending the process by `_exit`.
    /// Another file that has the name by now, such as another process's, stays.
    package static func removeAtOnce() {
        guard let file = UnsafePointer<Noted>(bitPattern: noted.load(ordering: .acquiring)) else { return }
        // A descriptor that was closed and whose number was reused does not refer to this file.
        var (mine, there) = (stat(), stat())
        guard fstat(file.pointee.descriptor, &mine) == 0, lstat(file.pointee.path, &there) == 0,
            mine.st_dev == there.st_dev, mine.st_ino == there.st_ino
        else { return }
        unlink(file.pointee.path)
    }
}
