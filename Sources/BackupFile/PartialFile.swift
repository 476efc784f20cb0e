import BSON
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file in which a backup stands until it is complete.
package enum PartialFile {
    /// `.NAME.partial` in the folder of the file, so that renaming it is one step.
    static func path(for path: String) -> String {
        let slash = path.placeBehindLast("/")
        return "\(path[..<slash]).\(path[slash...]).partial"
    }

    /// Gives what is written its name, unless that has been taken meanwhile.
    /// - Returns: whether it was free.
    /// - Throws: ``FileError``.
    package static func publish(_ partial: String, as path: String) throws(FileError) -> Bool {
        // A link fails where the name is taken; a rename would not.
        if link(partial, path) == 0 {
            unlink(partial)
            return true
        }
        // Some file systems know no links.
        guard errno != EEXIST, !isTaken(path) else { return false }
        guard rename(partial, path) == 0 else { throw FileError("rename to", path) }
        return true
    }

    /// A link to nothing is there, too.
    static func isTaken(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Opens it, locked against a second export to the same name, and empties it.
    /// - Parameters:
    ///   - path: the backup's own name.
    ///   - owner: the user whose files are one's own.
    ///   - beforeLocking: called between opening and locking it.
    /// - Throws: ``BackupError`` where another export writes it; ``FileError``.
    static func open(
        for path: String, owner: uid_t = geteuid(), beforeLocking: () throws -> Void = {}
    ) throws -> OpenFile {
        let partial = Self.path(for: path)
        for _ in 0..<attempts {
            guard let (file, isNew) = try opened(partial) else { continue }
            try beforeLocking()
            // Some file systems have no locks: then nobody is kept away.
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
                throw BackupError(
                    .busy, path, "another export is writing this file now",
                    advice: "Wait until it has ended, or choose another name.")
            }
            // The other may have ended in between: what was opened is its backup then, under its final name.
            guard try isStill(file, at: partial) else { continue }
            // Some file systems say another owner of every file.
            if isNew {
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

    /// So often a file may go between one look and the next.
    private static let attempts = 100

    /// The file, and whether it was made just now; nil where it has gone meanwhile.
    private static func opened(_ path: String) throws(FileError) -> (OpenFile, isNew: Bool)? {
        do throws(FileError) {
            return (try OpenFile(path: path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600), true)
        } catch {
            guard error.code == EEXIST else { throw error }
        }
        do throws(FileError) {
            return (try OpenFile(path: path, flags: O_RDWR | O_NOFOLLOW), false)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
    }

    /// Whether nobody else has a way to it: in a folder that others may write to, one of them may have put it there.
    private static func isOwn(_ file: OpenFile, _ owner: uid_t) throws(FileError) -> Bool {
        let status = try file.status()
        return status.st_uid == owner && status.st_nlink == 1 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether the file has that name.
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

    /// What a signal's handler needs of a file: it may do nothing but system calls.
    private struct Noted {
        let path: UnsafeMutablePointer<CChar>
        let descriptor: Int32
    }

    private static let isPrepared = Atomic<Bool>(false)
    /// The address of what was noted last. It is never freed: a handler may be looking at it.
    private static let noted = Atomic<UInt>(0)

    /// For signal handlers of a process that makes one backup: after this ``removeAtOnce()`` makes nothing but system
    /// calls.
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

    /// Removes the file in which the last backup stands, unless it is complete: whoever ends the process by `_exit` has
    /// to. What has the name by now and is not that file, such as another process's, stays.
    package static func removeAtOnce() {
        guard let file = UnsafePointer<Noted>(bitPattern: noted.load(ordering: .acquiring)) else { return }
        // A descriptor that has been closed, and its number used again, is none of this file.
        var (mine, there) = (stat(), stat())
        guard fstat(file.pointee.descriptor, &mine) == 0, lstat(file.pointee.path, &there) == 0,
            mine.st_dev == there.st_dev, mine.st_ino == there.st_ino
        else { return }
        unlink(file.pointee.path)
    }
}
